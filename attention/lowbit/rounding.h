#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace vidattn {

/// Largest codes of the two low-bit types: a row's largest element takes them.
inline constexpr float kInt8Largest = 127, kE4M3Largest = 448;

/// Whole number nearest to x, ties to even, for |x| < 2^22. Unlike std::nearbyint it becomes vector
/// code on every x86-64.
inline float round_even(float x) {
  constexpr float kMagic = 12582912;  // 1.5 * 2^23: one step between floats is 1
  return (x + kMagic) - kMagic;
}

/// Nearest value of OCP's E4M3 (4 bits exponent with bias 7, 3 bits mantissa, no infinities), ties
/// to even: normal from 2^-6 to 448, subnormal in steps of 2^-9 below. What is larger, infinities
/// included, becomes 448; NaN stays NaN; the sign stays.
inline float round_e4m3(float x) {
  const float size = std::abs(x);
  if (!(size <= kE4M3Largest)) return std::isnan(x) ? x : std::copysign(kE4M3Largest, x);
  float rounded = 0;
  if (size < 0x1p-6F) {
    constexpr float kMagic = 24576;  // 1.5 * 2^14: one step between floats is 2^-9
    rounded = (size + kMagic) - kMagic;
  } else {
    const auto bits = std::bit_cast<uint32_t>(size);  // 20 of 23 bits of the mantissa go
    rounded = std::bit_cast<float>((bits + 0x7ffffU + ((bits >> 20) & 1U)) & 0xfff00000U);
  }
  return std::copysign(rounded, x);
}

}  // namespace vidattn
