#include "baselines/column_largest.h"

#include <algorithm>
#include <limits>

#include "attention/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "baselines/column_largest.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::selection::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The largest values so far of a vector of columns, by falling value, and their rows.
class LaneRanking {
 public:
  using D = hn::ScalableTag<float>;
  using DI = hn::RebindToSigned<D>;

  explicit LaneRanking(int64_t count) : count_(count) {
    for (int64_t k = 0; k < count_; ++k) {
      hn::Store(hn::Set(D(), -std::numeric_limits<float>::infinity()), D(), values_ + k * kLanes);
      hn::Store(hn::Set(DI(), -1), DI(), rows_ + k * kLanes);
    }
  }

  /// Takes a value of each column, of a later row than those before: it comes behind its equals.
  HWY_INLINE void add(hn::Vec<D> value, hn::Vec<DI> row) {
    const D d;
    const DI di;
    auto carried = value;
    for (int64_t k = 0; k < count_; ++k) {
      const auto old = hn::Load(d, values_ + k * kLanes);
      const auto old_row = hn::Load(di, rows_ + k * kLanes);
      const auto larger = hn::Gt(value, old);  // then it is larger than all behind, too
      const auto larger_row = hn::RebindMask(di, larger);
      hn::Store(hn::IfThenElse(larger, carried, old), d, values_ + k * kLanes);
      hn::Store(hn::IfThenElse(larger_row, row, old_row), di, rows_ + k * kLanes);
      carried = hn::IfThenElse(larger, old, carried);
      row = hn::IfThenElse(larger_row, old_row, row);
    }
  }
  hn::Vec<DI> row(int64_t k) const { return hn::Load(DI(), rows_ + k * kLanes); }

 private:
  static constexpr int64_t kLanes = hn::MaxLanes(D());
  int64_t count_;
  HWY_ALIGN float values_[kColumnFew * kLanes];
  HWY_ALIGN int32_t rows_[kColumnFew * kLanes];
};

int64_t ColumnLargest(const float* values, int64_t columns, int64_t stride,
                      const Candidates& candidates, int64_t count, int32_t* chosen) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + lanes <= columns; i += lanes) {
    const auto first = hn::LoadU(di, candidates.first + i);
    const auto last = hn::LoadU(di, candidates.last + i);
    const auto own = hn::LoadU(di, candidates.own + i);
    const int32_t begin = *std::min_element(candidates.first + i, candidates.first + i + lanes);
    const int32_t end = *std::max_element(candidates.last + i, candidates.last + i + lanes);
    LaneRanking largest(count);
    for (int32_t r = begin; r < end; ++r) {
      const auto row = hn::Set(di, r);
      const auto inside = hn::AndNot(hn::Lt(row, first), hn::Lt(row, last));
      const auto out = hn::Or(hn::Not(inside), hn::Eq(row, own));
      const auto value = hn::LoadU(d, values + r * stride + i);
      largest.add(hn::IfThenElse(hn::RebindMask(d, out), lowest, value), row);
    }
    for (int64_t k = 0; k < count; ++k) hn::StoreU(largest.row(k), di, chosen + k * stride + i);
  }
  return i;
}

}  // namespace vidattn::selection::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn {
namespace selection {
HWY_EXPORT(ColumnLargest);
}  // namespace selection

int64_t column_largest(const float* values, int64_t columns, int64_t stride,
                       const Candidates& candidates, int64_t count, int32_t* chosen) {
  using namespace selection;
  return HWY_DYNAMIC_DISPATCH(ColumnLargest)(values, columns, stride, candidates, count, chosen);
}

}  // namespace vidattn
#endif
