#include "baselines/ranking.h"

#include <bit>

namespace vidattn {

uint64_t Ranking::key_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0F);
  return (bits & 0x80000000U) != 0 ? static_cast<uint32_t>(~bits) : bits | 0x80000000U;
}

void Ranking::narrow(const Enough& enough) {
  int lowest = -1;  // the digit that is enough, else the lowest that occurs
  int64_t above_count = above_count_;
  double above_sum = above_sum_;
  for (int digit = 255; digit >= 0; --digit) {
    if (count_[digit] == 0) continue;
    if (lowest >= 0) {
      above_count += count_[lowest];
      above_sum += sum_[lowest];
    }
    lowest = digit;
    if (enough(above_count + count_[digit], above_sum + sum_[digit])) break;
  }
  if (lowest < 0) lowest = 0;  // no values at all
  above_count_ = above_count;
  above_sum_ = above_sum;
  if (shift_ == 0)
    ties_ = enough_ties(enough, count_[lowest],
                        static_cast<float>(sum_[lowest] / static_cast<double>(count_[lowest])));
  prefix_ = prefix_ << 8 | static_cast<uint64_t>(lowest);
  shift_ -= 8;
  count_.fill(0);
  sum_.fill(0);
}

int64_t Ranking::enough_ties(const Enough& enough, int64_t count, float value) const {
  int64_t low = 1, high = count;  // the answer is in [low, high]; all if none is enough
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (enough(above_count_ + middle, above_sum_ + static_cast<double>(middle) * value))
      high = middle;
    else
      low = middle + 1;
  }
  return high;
}

}  // namespace vidattn
