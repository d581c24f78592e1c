#include "attention/methods/lowest.h"

#include <algorithm>
#include <limits>

#include "attention/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/methods/lowest.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::lowest::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;

Lowest LowestDifference(const float* a, const float* b, int64_t count) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto difference = [&](int64_t m) HWY_ATTR {
    return hn::Sub(hn::LoadU(d, a + m), hn::LoadU(d, b + m));
  };
  auto lowest = hn::Set(d, std::numeric_limits<float>::infinity());
  int64_t m = 0;
  for (; m + lanes <= count; m += lanes) lowest = hn::Min(lowest, difference(m));
  const int64_t tail = m;
  // Lane by lane: Highway's emulated reductions take the largest finite number for infinity.
  HWY_ALIGN float least[hn::MaxLanes(d)];
  hn::Store(lowest, d, least);
  float value = *std::min_element(least, least + lanes);
  for (; m < count; ++m) value = std::min(value, a[m] - b[m]);
  const auto wanted = hn::Set(d, value);
  for (m = 0; m < tail; m += lanes) {
    const auto found = hn::FindFirstTrue(d, hn::Eq(difference(m), wanted));
    if (found >= 0) return {value, m + static_cast<int64_t>(found)};
  }
  for (; m < count; ++m)
    if (a[m] - b[m] == value) return {value, m};
  return {value, 0};
}

}  // namespace vidattn::lowest::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn {
namespace lowest {
HWY_EXPORT(LowestDifference);
}  // namespace lowest

Lowest lowest_difference(const float* a, const float* b, int64_t count) {
  using namespace lowest;
  return HWY_DYNAMIC_DISPATCH(LowestDifference)(a, b, count);
}

}  // namespace vidattn
#endif
