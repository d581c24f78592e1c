#pragma once

#include <array>
#include <cstdint>
#include <functional>

namespace vidattn {

/// Where to cut a descending ranking of floats that are too many to keep: the caller streams them
/// past kPasses times. A radix selection, so the scratch memory is that of 256 bins.
///
///   for (pass < Ranking::kPasses) { for (every value) ranking.add(value); ranking.narrow(enough);
///   }
///
/// Afterwards the entries with above(value) are in, and of those with equal(value) the first
/// ties().
class Ranking {
 public:
  static constexpr int kPasses = 4;
  /// Whether the `count` largest values, whose sum is `sum`, are enough; monotone in count.
  using Enough = std::function<bool(int64_t count, double sum)>;

  void add(float value) {
    const uint64_t key = key_of(value);
    if (key >> (shift_ + 8) != prefix_) return;
    ++count_[key >> shift_ & 255];
    sum_[key >> shift_ & 255] += value;
  }
  /// Finds the smallest number of values that is enough, or all if none is.
  void narrow(const Enough& enough);

  bool above(float value) const { return key_of(value) > prefix_; }
  bool equal(float value) const { return key_of(value) == prefix_; }
  int64_t ties() const { return ties_; }

 private:
  /// Ascends with the value; +0 and -0 are equal.
  static uint64_t key_of(float value);
  int64_t enough_ties(const Enough& enough, int64_t count, float value) const;

  uint64_t prefix_ = 0;  ///< digits found so far; the whole key of the cut after kPasses
  int shift_ = 24;       ///< of the digit that is counted now
  int64_t above_count_ = 0, ties_ = 0;
  double above_sum_ = 0;
  std::array<int64_t, 256> count_{};
  std::array<double, 256> sum_{};
};

}  // namespace vidattn
