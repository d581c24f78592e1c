#pragma once

#include <string>

#include "attention/dtype.h"

namespace vidattn {

/// What each unit of this machine reaches now, on that many threads. 0 = the CPU has none.
struct UnitRates {
  double fma = 0;        ///< float32 multiply-adds, GFLOP/s, operands in registers (peak.h)
  double fed_fma = 0;    ///< the same from the nearest cache
  double bf16_dot = 0;   ///< bfloat16 dot products (AVX512_BF16), GFLOP/s
  double bf16_tile = 0;  ///< bfloat16 tile products (AMX), GFLOP/s
  double int8 = 0;       ///< by the unit that the CPU device uses (AMX or VNNI), 1e9 operations/s
  double exp2 = 0;       ///< exponentials as softmax takes them, 1e9/s
  double l2 = 0;         ///< reads of an array of half the second-level cache, GB/s
  double memory = 0;     ///< STREAM's triad, GB/s; NaN = no memory for it
};

/// Takes about 0.7 s.
UnitRates measure_units(int threads);

/// What a run of the CPU device asks of the machine.
struct KernelWork {
  DType dtype = DType::f32;
  double score_flops = 0, value_flops = 0;  ///< of products with keys, and of the others
  double exponentials = 0;
  double l2_bytes = 0;      ///< keys, values and their gradients, for every tile of queries
  double memory_bytes = 0;  ///< each tensor once
};

/// The least time in which units that work side by side could do it, seconds, and which of them
/// that is of: "FMA + exp2" (both take the vector units' time), "AVX512_BF16 + exp2", "AMX",
/// "exp2", "L2" or "memory".
struct KernelLimit {
  double seconds = 0;
  std::string bound;
};
KernelLimit kernel_limit(const KernelWork& work, const UnitRates& rates);

}  // namespace vidattn
