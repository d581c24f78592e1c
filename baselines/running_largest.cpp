#include "baselines/running_largest.h"

#include <algorithm>
#include <cmath>

#include "baselines/largest.h"

namespace vidattn {

void RunningLargest::begin(int64_t count, float floor) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  count_ = count;
  size_ = added_ = 0;
  floor_ = floor;
  guessed_ = floor > kLowest;
  if (static_cast<int64_t>(values_.size()) >= capacity(count)) return;
  values_.resize(capacity(count));
  indices_.resize(capacity(count));
}

void RunningLargest::add(std::span<const float> piece, int64_t first) {
  const auto size = static_cast<int64_t>(piece.size());
  if (size_ + size + kPiece > static_cast<int64_t>(values_.size())) prune();
  size_ += keep_places(piece, nullptr, first, floor_, &values_[size_], &indices_[size_]);
  added_ = first + size;
}

void RunningLargest::prune() {
  if (size_ <= count_) return;
  const float last = kth_largest({values_.data(), static_cast<size_t>(size_)}, count_);
  size_ = keep_places({values_.data(), static_cast<size_t>(size_)}, indices_.data(), 0, last,
                      values_.data(), indices_.data());
  // Of the values that equal the last one, those in front stay.
  int64_t spare = size_ - count_, end = size_;
  while (spare > 0)
    if (values_[--end] == last) {
      indices_[end] = -1;
      --spare;
    }
  int64_t kept = end;
  for (int64_t i = end; i < size_; ++i) {
    if (indices_[i] < 0) continue;
    values_[kept] = values_[i];
    indices_[kept++] = indices_[i];
  }
  size_ = kept;
  floor_ = std::nextafter(last, std::numeric_limits<float>::infinity());
}

std::vector<int32_t> RunningLargest::finish() {
  prune();
  if (size_ < count_ && guessed_) return {};
  std::vector<int32_t> kept(indices_.begin(), indices_.begin() + size_);
  const int64_t all = std::min(count_, added_);
  // No floor left out any but NaN.
  for (int32_t i = 0; std::ssize(kept) < all; ++i)
    if (!std::binary_search(indices_.begin(), indices_.begin() + size_, i)) kept.push_back(i);
  if (std::ssize(kept) > size_) std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace vidattn
