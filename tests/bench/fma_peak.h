#pragma once

#include <cstdint>

namespace vidattn {

/// Multiply-add peak of `threads` threads in GFLOP/s, with operands from the first-level cache as
/// in any matrix product: the ninth decile of 51 slices of about a millisecond. Registers alone
/// would not do, because Intel's clock depends on the load (Sapphire Rapids: 2.5 and 2.2 GHz).
double fma_peak_gflops(int threads);

/// x[i] = e^(x[i] - max), with the widest vectors of this machine.
void exp_array(float* x, float max, int64_t size);

}  // namespace vidattn
