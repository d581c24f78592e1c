#include <algorithm>
#include <atomic>
#include <cstdint>

#include "attention/cpu/units/simd.h"
#include "attention/error.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace vidattn {
namespace {

struct Features {
  bool dot = false, matrix = false;
};

#if defined(__x86_64__) && defined(__linux__)
/// Linux gives a process the AMX registers only when asked.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Features detect() {
  constexpr uint32_t kAmxBf16 = 1U << 22, kAmxTile = 1U << 24, kAvx512Bf16 = 1U << 5;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__builtin_cpu_supports("avx512bw") || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return {};
  const bool tiles = (d & kAmxBf16) != 0 && (d & kAmxTile) != 0 && may_use_tiles();
  return {.dot = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvx512Bf16) != 0,
          .matrix = tiles};
}

/// Intel's AVX-512 dot product runs at a quarter of the rate of its float32 multiply-add (measured
/// on Sapphire Rapids), AMD's at the same.
bool dot_pays() { return !__builtin_cpu_is("intel"); }
#else
Features detect() { return {}; }
bool dot_pays() { return false; }
#endif

Bf16Unit best() {
  for (Bf16Unit unit : cpu_bf16_units())
    if (unit != Bf16Unit::dot || dot_pays()) return unit;
  return Bf16Unit::none;
}

std::atomic<Bf16Unit>& chosen() {
  static std::atomic<Bf16Unit> unit = best();
  return unit;
}

}  // namespace

std::string to_string(Bf16Unit unit) {
  return unit == Bf16Unit::dot ? "AVX512_BF16" : unit == Bf16Unit::matrix ? "AMX_BF16" : "none";
}

std::vector<Bf16Unit> cpu_bf16_units() {
  static const Features features = detect();
  std::vector<Bf16Unit> units;
  if (features.matrix) units.push_back(Bf16Unit::matrix);
  if (features.dot) units.push_back(Bf16Unit::dot);
  units.push_back(Bf16Unit::none);
  return units;
}

Bf16Unit cpu_bf16_unit() { return chosen(); }

Bf16Unit bf16_unit_for(const Tensor& q, const Tensor& k, const Tensor& v, bool has_bias,
                       float scale) {
  const auto is_bf16 = [](const Tensor& t) { return t.dtype() == DType::bf16; };
  const bool fits = is_bf16(q) && is_bf16(k) && is_bf16(v) && q.dim() % 32 == 0 &&
                    v.dim() % 16 == 0 && scale > 0 && !has_bias && cpu_simd_target() == "AVX3";
  return fits ? cpu_bf16_unit() : Bf16Unit::none;
}

void force_cpu_bf16_unit(Bf16Unit unit) {
  const auto units = cpu_bf16_units();
  if (std::find(units.begin(), units.end(), unit) == units.end())
    throw InputError("this machine cannot use " + to_string(unit));
  chosen() = unit;
}

}  // namespace vidattn
