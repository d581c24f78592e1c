#include "baselines/exp_sum.h"

#include <bit>
#include <limits>

namespace vidattn {
namespace {

/// 2^n times a polynomial, for the nearest whole n to x / ln 2; 0 below -87. Without a branch,
/// which would keep the loop below from taking several values at once.
inline float exponential(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves no bits behind the point
  const float shifted = x * kLog2E + kRound, n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor up to r^6; |r| <= ln(2)/2 leaves 1e-7.
  float p = 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  // The last bits of `shifted` are n.
  const uint32_t power = (std::bit_cast<uint32_t>(shifted) + 127) << 23;
  const float value = p * std::bit_cast<float>(power);
  const uint32_t kept = x >= -87.0F ? ~uint32_t{0} : 0;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) & kept);
}

}  // namespace

float exp_sum(const float* values, int64_t count, float shift) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += exponential(values[i] - shift);
  return sum;
}

float exp_sum(const float* values, int64_t count, float shift, float* terms) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) {
    terms[i] = exponential(values[i] - shift);
    sum += terms[i];
  }
  return sum;
}

float highest_of(const float* values, int64_t count) {
  float highest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : highest)
  for (int64_t i = 0; i < count; ++i) highest = values[i] > highest ? values[i] : highest;
  return highest;
}

}  // namespace vidattn
