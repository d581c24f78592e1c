#include "baselines/falling.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace vidattn {
namespace {

/// The upper half of a key that falls as the value rises; -0 and 0 are equal.
uint32_t upper_key(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);
  const bool negative = bits >> 63 != 0;
  return static_cast<uint32_t>((negative ? bits : ~bits & ~(uint64_t{1} << 63)) >> 32);
}

/// Stable, by the upper half of each entry, the key; the lower half is carried along.
void radix_sort(std::vector<uint64_t>& entries) {
  constexpr int kDigits = 4;
  std::array<std::array<uint32_t, 256>, kDigits> start{};
  for (const uint64_t entry : entries)
    for (int digit = 0; digit < kDigits; ++digit) ++start[digit][entry >> (32 + 8 * digit) & 255];
  std::vector<uint64_t> sorted(entries.size());
  for (int digit = 0; digit < kDigits; ++digit) {
    std::exclusive_scan(start[digit].begin(), start[digit].end(), start[digit].begin(), 0U);
    for (const uint64_t entry : entries)
      sorted[start[digit][entry >> (32 + 8 * digit) & 255]++] = entry;
    entries.swap(sorted);
  }
}

}  // namespace

std::vector<int32_t> by_falling(std::span<const double> values) {
  std::vector<uint64_t> entries(values.size());
  for (size_t i = 0; i < values.size(); ++i) entries[i] = uint64_t{upper_key(values[i])} << 32 | i;
  radix_sort(entries);
  std::vector<int32_t> order(entries.begin(), entries.end());  // the lower halves
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && entries[end] >> 32 == entries[begin] >> 32) ++end;
    if (end - begin > 1)
      std::stable_sort(order.begin() + begin, order.begin() + end,
                       [&](int32_t a, int32_t b) { return values[a] > values[b]; });
  }
  return order;
}

}  // namespace vidattn
