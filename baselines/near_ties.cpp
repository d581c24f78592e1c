#include "baselines/near_ties.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace vidattn {
namespace {

constexpr int kBinBits = 12;  // sign, exponent and three bits of the fraction

/// The upper bits of a number that ascends with the value.
uint32_t bin_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t ascending = (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
  return ascending >> (32 - kBinBits);
}

float value_at_rank(std::span<const float> values, int64_t count) {
  std::array<int32_t, 1 << kBinBits> sizes{};
  for (const float v : values) ++sizes[bin_of(v)];
  uint32_t bin = sizes.size() - 1;
  int64_t left = count;
  while (left > sizes[bin]) left -= sizes[bin--];
  std::vector<float> inside;
  inside.reserve(sizes[bin]);
  for (const float v : values)
    if (bin_of(v) == bin) inside.push_back(v);
  std::nth_element(inside.begin(), inside.begin() + (left - 1), inside.end(), std::greater<>());
  return inside[left - 1];
}

/// A value that most likely a few more than `count` values reach: the rank of a sample of about a
/// thousand, with four standard deviations to spare. -inf where there is little to gain.
float sampled_floor(std::span<const float> values, int64_t count) {
  constexpr int64_t kSample = 1024;
  const auto size = static_cast<int64_t>(values.size());
  if (size < 4 * kSample || 2 * count > size) return -std::numeric_limits<float>::infinity();
  // Odd, so that the sample does not follow the rows of a frame.
  const int64_t step = (size / kSample) | 1;
  std::vector<float> sample;
  sample.reserve(size / step + 1);
  for (int64_t j = 0; j < size; j += step) sample.push_back(values[j]);
  const double expected =
      static_cast<double>(count) * static_cast<double>(sample.size()) / static_cast<double>(size);
  const auto rank = static_cast<std::ptrdiff_t>(expected + 4 * std::sqrt(expected) + 4);
  std::nth_element(sample.begin(), sample.begin() + rank, sample.end(), std::greater<>());
  return sample[rank];
}

}  // namespace

TieTolerance score_tolerance(std::span<const float> scores) {
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (size_t j = 0; j < scores.size(); ++j)
    largest = std::fabs(scores[j]) > largest ? std::fabs(scores[j]) : largest;
  return {.absolute = 2e-6F * largest};
}

Cut cut_after(std::span<const float> values, int64_t count, TieTolerance tolerance) {
  const float last = value_at_rank(values, count);
  const float near = tolerance.absolute + tolerance.relative * std::fabs(last);
  Cut cut{last + near, last - near, count};
  int64_t in = 0;
#pragma omp simd reduction(+ : in)
  for (size_t j = 0; j < values.size(); ++j) in += values[j] > cut.above ? 1 : 0;
  cut.ties -= in;
  return cut;
}

std::vector<int32_t> near_top_k(std::span<const float> values, int64_t count,
                                TieTolerance tolerance) {
  std::vector<int32_t> kept;
  count = std::min(count, static_cast<int64_t>(values.size()));
  if (count < 1) return kept;
  kept.reserve(count);
  Cut cut = cut_after(values, count, tolerance);
  for (size_t j = 0; j < values.size(); ++j)
    if (cut.takes(values[j])) kept.push_back(static_cast<int32_t>(j));
  return kept;
}

bool LongRows::collect(std::span<const float> values, float floor, int64_t count) {
  index_.resize(values.size());
  int64_t found = 0;
  for (size_t j = 0; j < values.size(); ++j) {
    index_[found] = static_cast<int32_t>(j);
    found += values[j] >= floor ? 1 : 0;  // without a branch, which would often be mistaken
  }
  value_.resize(found);
  for (int64_t c = 0; c < found; ++c) value_[c] = values[index_[c]];
  return found >= count;
}

void LongRows::largest(std::span<const float> values, int64_t count, TieTolerance tolerance,
                       int32_t* out) {
  const float floor = sampled_floor(values, count);
  if (std::isfinite(floor) && collect(values, floor, count)) {
    Cut cut = cut_after(value_, count, tolerance);
    if (cut.least >= floor) {
      for (size_t c = 0; c < value_.size(); ++c)
        if (cut.takes(value_[c])) *out++ = index_[c];
      return;
    }
  }
  Cut cut = cut_after(values, count, tolerance);
  for (size_t j = 0; j < values.size(); ++j)
    if (cut.takes(values[j])) *out++ = static_cast<int32_t>(j);
}

std::vector<int32_t> falling_order(std::span<const double> values) {
  std::vector<int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return values[a] > values[b]; });
  for (auto begin = order.begin(); begin != order.end();) {
    auto end = begin + 1;
    while (end != order.end() &&
           values[*(end - 1)] - values[*end] <= kMassTolerance.relative * values[*(end - 1)])
      ++end;
    std::sort(begin, end);
    begin = end;
  }
  return order;
}

}  // namespace vidattn
