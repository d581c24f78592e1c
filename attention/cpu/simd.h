#pragma once

#include <string>
#include <vector>

namespace vidattn {

/// Instruction set that the CPU device uses, in Highway's names: "AVX3" (AVX-512), "AVX2", "SSE4",
/// "NEON" or "SCALAR" (portable).
std::string cpu_simd_target();

/// All that this machine could use, the best first.
std::vector<std::string> cpu_simd_targets();

/// Restricts the CPU device to one of cpu_simd_targets(); empty lifts the restriction. For tests.
void force_cpu_simd_target(const std::string& name);

}  // namespace vidattn
