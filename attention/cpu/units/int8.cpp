#include <algorithm>
#include <atomic>
#include <cstdint>

#include "attention/cpu/units/simd.h"
#include "attention/error.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#endif

namespace vidattn {
namespace {

std::vector<Int8Unit> detect_int8() {
  std::vector<Int8Unit> units;
#if defined(__x86_64__) && defined(__linux__)
  constexpr uint32_t kVnni = 1U << 11, kAmxInt8 = 1U << 25;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__builtin_cpu_supports("avx512bw") && __get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    const auto bf16 = cpu_bf16_units();  // the values are multiplied by AMX, too
    const bool tiles = std::find(bf16.begin(), bf16.end(), Bf16Unit::matrix) != bf16.end();
    if ((d & kAmxInt8) != 0 && tiles) units.push_back(Int8Unit::matrix);
    if ((c & kVnni) != 0) units.push_back(Int8Unit::dot);
  }
#endif
  units.push_back(Int8Unit::none);
  return units;
}

std::atomic<Int8Unit>& chosen_int8() {
  static std::atomic<Int8Unit> unit = cpu_int8_units().front();
  return unit;
}

}  // namespace

std::string to_string(Int8Unit unit) {
  return unit == Int8Unit::dot ? "AVX512_VNNI" : unit == Int8Unit::matrix ? "AMX_INT8" : "none";
}

std::vector<Int8Unit> cpu_int8_units() {
  static const std::vector<Int8Unit> units = detect_int8();
  return units;
}

Int8Unit cpu_int8_unit() {
  return cpu_simd_target() == "AVX3" ? chosen_int8().load() : Int8Unit::none;
}

void force_cpu_int8_unit(Int8Unit unit) {
  const auto units = cpu_int8_units();
  if (std::find(units.begin(), units.end(), unit) == units.end())
    throw InputError("this machine cannot use " + to_string(unit));
  chosen_int8() = unit;
}

}  // namespace vidattn
