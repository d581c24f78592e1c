#include "baselines/largest.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "attention/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "baselines/largest.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::selection::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Indices = hn::RebindToSigned<Floats>;

constexpr float kLowest = -std::numeric_limits<float>::infinity();
constexpr int64_t kFew = 32;  ///< values of which each is held against all

/// Floats in an order that their bits have, too; and back.
inline int32_t ordinal(float x) {
  const auto bits = std::bit_cast<int32_t>(x);
  return bits < 0 ? std::numeric_limits<int32_t>::min() - bits : bits;
}
inline float value_of(int32_t ordinal) {
  return std::bit_cast<float>(ordinal < 0 ? std::numeric_limits<int32_t>::min() - ordinal
                                          : ordinal);
}

/// Above `low`, at most `high`. The mean halves what is spread evenly, the middle of the ordinals
/// what spans magnitudes; taken in turn they end after some 60 steps whatever the values.
inline float middle(float low, float high, bool by_value) {
  const float mean = low / 2 + high / 2;
  if (by_value && mean > low && mean < high) return mean;
  const float between = value_of(static_cast<int32_t>((int64_t{ordinal(low)} + ordinal(high)) / 2));
  return between > low && between < high ? between : high;
}

int64_t CountFrom(const float* values, int64_t size, float floor) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0, count = 0;
  for (; i + lanes <= size; i += lanes)
    count +=
        static_cast<int64_t>(hn::CountTrue(d, hn::Ge(hn::LoadU(d, values + i), hn::Set(d, floor))));
  for (; i < size; ++i) count += values[i] >= floor ? 1 : 0;
  return count;
}

/// Copies the values >= floor, or those below it, to `out`, which may be `values` and has room for
/// one vector more than all. Returns how many; [low, high] becomes their extent.
int64_t Keep(const float* values, int64_t size, float floor, bool from, float* out, float& low,
             float& high) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto most = hn::Set(d, std::numeric_limits<float>::infinity());
  auto lowest = most, highest = hn::Neg(most);
  int64_t i = 0, kept = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto x = hn::LoadU(d, values + i);
    const auto mask = from ? hn::Ge(x, hn::Set(d, floor)) : hn::Lt(x, hn::Set(d, floor));
    lowest = hn::Min(lowest, hn::IfThenElse(mask, x, most));
    highest = hn::Max(highest, hn::IfThenElse(mask, x, hn::Neg(most)));
    // Whole vectors: some CPUs take a hundred cycles to store a part of one.
    hn::StoreU(hn::Compress(x, mask), d, out + kept);
    kept += static_cast<int64_t>(hn::CountTrue(d, mask));
  }
  // Lane by lane: Highway's emulated reductions take the largest finite number for infinity.
  HWY_ALIGN float least[hn::MaxLanes(d)], most_of[hn::MaxLanes(d)];
  hn::Store(lowest, d, least);
  hn::Store(highest, d, most_of);
  low = *std::min_element(least, least + lanes);
  high = *std::max_element(most_of, most_of + lanes);
  for (; i < size; ++i) {
    const float x = values[i];
    if (from ? !(x >= floor) : !(x < floor)) continue;
    out[kept++] = x;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  return kept;
}

/// The least value >= floor.
float LeastFrom(const float* values, int64_t size, float floor) {
  float least = std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < size; ++i)
    least = values[i] >= floor ? std::min(least, values[i]) : least;
  return least;
}

/// The count-th largest of a few values, 1 <= count <= size: the least that fewer than `count`
/// exceed. Without branches, which a search would mistake half of the time. `size` is whole
/// vectors.
float KthOfFew(const float* values, int64_t size, int64_t count) {
  const Floats d;
  const Indices di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto enough = hn::Set(di, static_cast<int32_t>(count));
  const auto most = hn::Set(d, std::numeric_limits<float>::infinity());
  auto least = most;
  for (int64_t i = 0; i < size; i += lanes) {
    const auto x = hn::LoadU(d, values + i);
    auto above = hn::Zero(di);
    for (int64_t j = 0; j < size; ++j) {
      const auto exceeds = hn::RebindMask(di, hn::Gt(hn::Set(d, values[j]), x));
      above = hn::Sub(above, hn::VecFromMask(di, exceeds));
    }
    const auto is_one = hn::RebindMask(d, hn::Lt(above, enough));
    least = hn::Min(least, hn::IfThenElse(is_one, x, most));
  }
  HWY_ALIGN float leasts[hn::MaxLanes(d)];
  hn::Store(least, d, leasts);
  return *std::min_element(leasts, leasts + lanes);
}

/// A floor that at least `count` values reach, hardly more where they are in no order: the count-th
/// largest among the largest values of groups, each of which every so manieth value is in.
/// -infinity where there are too few groups or values.
float GroupFloor(const float* values, int64_t size, int64_t count) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (count > lanes || size < 8 * lanes) return kLowest;
  auto most0 = hn::Set(d, kLowest), most1 = most0, most2 = most0, most3 = most0;
  // A NaN is not greater.
  const auto raise = [](auto& most, auto x)
                         HWY_ATTR { most = hn::IfThenElse(hn::Gt(x, most), x, most); };
  for (int64_t i = 0; i + 4 * lanes <= size; i += 4 * lanes) {
    raise(most0, hn::LoadU(d, values + i));
    raise(most1, hn::LoadU(d, values + i + lanes));
    raise(most2, hn::LoadU(d, values + i + 2 * lanes));
    raise(most3, hn::LoadU(d, values + i + 3 * lanes));
  }
  raise(most0, most2);
  raise(most1, most3);
  HWY_ALIGN float most[2 * hn::MaxLanes(d)];
  hn::Store(most0, d, most);
  hn::Store(most1, d, most + lanes);
  return KthOfFew(most, 2 * lanes, count);
}

/// kth_largest() in `left`, which has room for one vector more than all. No more than a guess that
/// most values are below `floor`.
float KthLargest(const float* values, int64_t size, int64_t count, float floor, float* left) {
  if (!(floor > kLowest)) floor = GroupFloor(values, size, count);
  float low = 0, high = 0;
  int64_t kept = Keep(values, size, floor, true, left, low, high);
  if (kept < count && floor > kLowest) kept = Keep(values, size, kLowest, true, left, low, high);
  if (kept < count) return kLowest;  // the others are NaN
  for (bool by_value = true; kept > kFew && low < high; by_value = !by_value) {
    const float cut = middle(low, high, by_value);
    const int64_t above = CountFrom(left, kept, cut);
    if (above == count) return LeastFrom(left, kept, cut);
    const bool from = above > count;
    if (!from) count -= above;
    kept = Keep(left, kept, cut, from, left, low, high);
  }
  if (low == high) return low;
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::StoreU(hn::Set(d, kLowest), d, left + kept);  // to whole vectors
  return KthOfFew(left, (kept + lanes - 1) / lanes * lanes, count);
}

int64_t IndicesFrom(const float* values, int64_t size, float floor, int32_t* out) {
  const Floats d;
  const Indices di;
  const auto steps = hn::Iota(di, 0);  // slow: made lane by lane
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0, kept = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto mask = hn::Ge(hn::LoadU(d, values + i), hn::Set(d, floor));
    if (hn::AllFalse(d, mask)) continue;
    const auto index = hn::Add(steps, hn::Set(di, static_cast<int32_t>(i)));
    hn::StoreU(hn::Compress(index, hn::RebindMask(di, mask)), di, out + kept);
    kept += static_cast<int64_t>(hn::CountTrue(d, mask));
  }
  for (; i < size; ++i)
    if (values[i] >= floor) out[kept++] = static_cast<int32_t>(i);
  return kept;
}

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

/// largest() where a floor from groups leaves few values, in one more pass; false where it does
/// not. `left` and `places` have room for one vector more than all.
bool LargestByFloor(const float* values, int64_t size, int64_t count, float* left, int32_t* places,
                    int32_t* chosen) {
  const float floor = GroupFloor(values, size, count);
  if (!(floor > kLowest)) return false;
  const int64_t kept = KeepPlaces(values, nullptr, 0, size, floor, left, places);
  if (kept < count || kept > kFew) return false;
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::StoreU(hn::Set(d, kLowest), d, left + kept);  // to whole vectors
  const float last = KthOfFew(left, (kept + lanes - 1) / lanes * lanes, count);
  if (KeepPlaces(left, places, 0, kept, last, left, places) > count) return false;  // ties
  std::copy_n(places, count, chosen);
  return true;
}

/// The largest by falling value, one a pass, ties to the lower index; false where one would be NaN
/// or -infinity. `left` has room for one vector more than all.
bool FallingLargest(const float* values, int64_t size, int64_t count, float* left,
                    int32_t* chosen) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto lowest = hn::Set(d, kLowest);
  // To whole vectors; masked loads of older instruction sets read whole, aligned ones.
  std::copy_n(values, size, left);
  hn::StoreU(lowest, d, left + size);
  auto most = lowest;
  for (int64_t i = 0; i < size; i += lanes) {
    const auto x = hn::LoadU(d, left + i);
    const auto number = hn::IfThenElse(hn::Eq(x, x), x, lowest);
    hn::StoreU(number, d, left + i);
    most = hn::Max(most, number);
  }
  for (int64_t k = 0; k < count; ++k) {
    most = hn::MaxOfLanes(d, most);
    if (!(hn::GetLane(most) > kLowest)) return false;
    int64_t i = 0, lane = -1;
    for (; i < size && lane < 0; i += lanes)
      lane = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, left + i), most));
    if (lane < 0) return false;  // emulated reductions take the lowest finite number for -infinity
    chosen[k] = static_cast<int32_t>(i - lanes + lane);
    if (k + 1 == count) break;
    left[chosen[k]] = kLowest;
    most = lowest;
    for (i = 0; i < size; i += lanes) most = hn::Max(most, hn::LoadU(d, left + i));
  }
  return true;
}

int64_t VectorLanes() { return static_cast<int64_t>(hn::Lanes(Floats())); }

}  // namespace vidattn::selection::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn {
namespace selection {

HWY_EXPORT(CountFrom);
HWY_EXPORT(KthLargest);
HWY_EXPORT(IndicesFrom);
HWY_EXPORT(KeepPlaces);
HWY_EXPORT(LargestByFloor);
HWY_EXPORT(FallingLargest);

constexpr int64_t kMaxLanes = 16;

/// Where a row's values, or places, are narrowed down; grows to the longest row of its thread.
template <class T>
T* narrowed(size_t size) {
  thread_local std::vector<T> memory;
  if (memory.size() < size) memory.resize(size);
  return memory.data();
}

}  // namespace selection

int64_t sample_step(int64_t total, int64_t count) {
  constexpr int64_t kSample = 1024;
  return total < 4 * kSample || 2 * count > total ? 0 : (total / kSample) | 1;
}

float sampled_floor(std::span<const float> sample, int64_t total, int64_t count) {
  const double expected =
      static_cast<double>(count) * static_cast<double>(sample.size()) / static_cast<double>(total);
  const auto rank = static_cast<int64_t>(expected + 4 * std::sqrt(expected) + 5);
  return kth_largest(sample, std::min(rank, std::ssize(sample)));
}

float kth_largest(std::span<const float> values, int64_t count) {
  using namespace selection;
  float floor = -std::numeric_limits<float>::infinity();
  const auto size = static_cast<int64_t>(values.size());
  if (const int64_t step = sample_step(size, count); step > 0) {
    std::vector<float> sample;
    sample.reserve(size / step + 1);
    for (int64_t j = 0; j < size; j += step) sample.push_back(values[j]);
    floor = sampled_floor(sample, size, count);
  }
  return HWY_DYNAMIC_DISPATCH(KthLargest)(values.data(), size, count, floor,
                                          narrowed<float>(values.size() + kMaxLanes));
}

int64_t count_from(std::span<const float> values, float floor) {
  using namespace selection;
  return HWY_DYNAMIC_DISPATCH(CountFrom)(values.data(), static_cast<int64_t>(values.size()), floor);
}

std::vector<int32_t> indices_from(std::span<const float> values, float floor) {
  using namespace selection;
  std::vector<int32_t> indices(count_from(values, floor) + kMaxLanes);
  const auto size = static_cast<int64_t>(values.size());
  indices.resize(HWY_DYNAMIC_DISPATCH(IndicesFrom)(values.data(), size, floor, indices.data()));
  return indices;
}

int64_t keep_places(std::span<const float> values, const int32_t* indices, int64_t first,
                    float floor, float* kept, int32_t* places) {
  using namespace selection;
  return HWY_DYNAMIC_DISPATCH(KeepPlaces)(values.data(), indices, static_cast<int32_t>(first),
                                          static_cast<int64_t>(values.size()), floor, kept, places);
}

int64_t largest(std::span<const float> values, int64_t count, int32_t* chosen) {
  using namespace selection;
  count = std::min(count, static_cast<int64_t>(values.size()));
  const size_t room = values.size() + kMaxLanes;
  if (count >= 1 && HWY_DYNAMIC_DISPATCH(LargestByFloor)(
                        values.data(), static_cast<int64_t>(values.size()), count,
                        narrowed<float>(room), narrowed<int32_t>(room), chosen))
    return count;
  const std::vector<int32_t> all = largest(values, count);
  std::copy(all.begin(), all.end(), chosen);
  return count;
}

bool falling_largest(std::span<const float> values, int64_t count, int32_t* chosen) {
  using namespace selection;
  return HWY_DYNAMIC_DISPATCH(FallingLargest)(values.data(), static_cast<int64_t>(values.size()),
                                              count, narrowed<float>(values.size() + kMaxLanes),
                                              chosen);
}

std::vector<int32_t> largest(std::span<const float> values, int64_t count) {
  count = std::min(count, static_cast<int64_t>(values.size()));
  if (count < 1) return {};
  const float last = kth_largest(values, count);
  std::vector<int32_t> kept = indices_from(values, last);
  if (static_cast<int64_t>(kept.size()) < count) {
    for (size_t i = 0; static_cast<int64_t>(kept.size()) < count; ++i)
      if (std::isnan(values[i])) kept.push_back(static_cast<int32_t>(i));
    std::sort(kept.begin(), kept.end());
  }
  // Of the values that equal the last one, those in front stay.
  auto spare = static_cast<int64_t>(kept.size()) - count;
  for (auto i = kept.end(); spare > 0;)
    if (values[*--i] == last) {
      *i = -1;
      --spare;
    }
  std::erase(kept, -1);
  return kept;
}

}  // namespace vidattn
#endif
