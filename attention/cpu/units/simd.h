#pragma once

#include <string>
#include <vector>

#include "attention/tensor.h"

namespace vidattn {

/// Instruction set that the CPU device uses, in Highway's names: "AVX3" (AVX-512), "AVX2", "SSE4",
/// "NEON" or "SCALAR" (portable).
std::string cpu_simd_target();

/// All that this machine could use, the best first.
std::vector<std::string> cpu_simd_targets();

/// Restricts the CPU device, and the peaks that it is measured against, to one of
/// cpu_simd_targets(); empty lifts the restriction. Throws InputError for any other name.
void force_cpu_simd_target(const std::string& name);

/// What multiplies bfloat16 without conversion: nothing, vdpbf16ps of AVX-512, or AMX.
enum class Bf16Unit { none, dot, matrix };
std::string to_string(Bf16Unit unit);

/// The unit that the CPU device uses where shapes allow it.
Bf16Unit cpu_bf16_unit();

/// That unit, or none where it does not fit: it wants AVX-512 as cpu_simd_target(), bfloat16 q, k
/// and v with dim % 32 == 0 and value dim % 16 == 0, no bias of keys, and scale > 0.
Bf16Unit bf16_unit_for(const Tensor& q, const Tensor& k, const Tensor& v, bool has_bias,
                       float scale);

/// All that this machine could use, the best first; the last is none.
std::vector<Bf16Unit> cpu_bf16_units();

/// Makes the CPU device use one of cpu_bf16_units(). For tests and benchmarks.
void force_cpu_bf16_unit(Bf16Unit unit);

/// What multiplies int8 and adds in int32: nothing, vpdpbusd of AVX-512 VNNI, or AMX.
enum class Int8Unit { none, dot, matrix };
std::string to_string(Int8Unit unit);

/// The unit that the CPU device uses; none where cpu_simd_target() is not AVX-512.
Int8Unit cpu_int8_unit();

/// All that this machine could use with AVX-512, the best first; the last is none.
std::vector<Int8Unit> cpu_int8_units();

/// Makes the CPU device use one of cpu_int8_units(). For tests and benchmarks.
void force_cpu_int8_unit(Int8Unit unit);

}  // namespace vidattn
