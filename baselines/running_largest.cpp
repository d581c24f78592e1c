#include "baselines/running_largest.h"

#include <algorithm>
#include <cmath>

#include "attention/cpu/targets.h"
#include "baselines/largest.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "baselines/running_largest.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::running::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Indices = hn::RebindToSigned<Floats>;

/// Copies the values >= floor to `kept` and their indices to `places`, which have room for one
/// vector more than all. Value i has indices[i], or first + i where that is null; `kept` and
/// `places` may be `values` and `indices`. Returns how many.
int64_t KeepPlaces(const float* values, const int32_t* indices, int32_t first, int64_t size,
                   float floor, float* kept, int32_t* places) {
  const Floats d;
  const Indices di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto least = hn::Set(d, floor);
  const auto steps = hn::Iota(di, 0);  // slow: made lane by lane
  int64_t i = 0, count = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto x = hn::LoadU(d, values + i);
    const auto mask = hn::Ge(x, least);
    const auto place = indices != nullptr
                           ? hn::LoadU(di, indices + i)
                           : hn::Add(steps, hn::Set(di, first + static_cast<int32_t>(i)));
    // Whole vectors: some CPUs take a hundred cycles to store a part of one.
    hn::StoreU(hn::Compress(x, mask), d, kept + count);
    hn::StoreU(hn::Compress(place, hn::RebindMask(di, mask)), di, places + count);
    count += static_cast<int64_t>(hn::CountTrue(d, mask));
  }
  for (; i < size; ++i)
    if (values[i] >= floor) {
      kept[count] = values[i];
      places[count++] = indices != nullptr ? indices[i] : first + static_cast<int32_t>(i);
    }
  return count;
}

}  // namespace vidattn::running::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn {
namespace running {
HWY_EXPORT(KeepPlaces);
}  // namespace running

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
  using namespace running;
  const auto size = static_cast<int64_t>(piece.size());
  if (size_ + size + kPiece > static_cast<int64_t>(values_.size())) prune();
  size_ += HWY_DYNAMIC_DISPATCH(KeepPlaces)(piece.data(), nullptr, static_cast<int32_t>(first),
                                            size, floor_, &values_[size_], &indices_[size_]);
  added_ = first + size;
}

void RunningLargest::prune() {
  using namespace running;
  if (size_ <= count_) return;
  const float last = kth_largest({values_.data(), static_cast<size_t>(size_)}, count_);
  size_ = HWY_DYNAMIC_DISPATCH(KeepPlaces)(values_.data(), indices_.data(), 0, size_, last,
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
#endif
