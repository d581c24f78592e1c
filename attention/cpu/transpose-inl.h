// Rows of queries to lanes and back.

#if defined(VIDATTN_CPU_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_TRANSPOSE_INL_H
#undef VIDATTN_CPU_TRANSPOSE_INL_H
#else
#define VIDATTN_CPU_TRANSPOSE_INL_H
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Rows that TransposeIn() and TransposeOut() take at a time; divides the target's lanes.
inline constexpr int64_t kQuad = hn::MaxLanes(hn::ScalableTag<float>()) >= 4 ? 4 : 1;

/// to[j][i] = from[i][j] for a block of kQuad x kQuad.
#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void TransposeQuad(const float* const* from, float* const* to) { **to = **from; }
#else
HWY_INLINE void TransposeQuad(const float* const* HWY_RESTRICT from,
                              float* const* HWY_RESTRICT to) {
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> dw;
  const auto a = hn::LoadU(d, from[0]), b = hn::LoadU(d, from[1]);
  const auto e = hn::LoadU(d, from[2]), f = hn::LoadU(d, from[3]);
  const auto ab_low = hn::BitCast(dw, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(dw, hn::InterleaveUpper(d, a, b));
  const auto ef_low = hn::BitCast(dw, hn::InterleaveLower(d, e, f));
  const auto ef_high = hn::BitCast(dw, hn::InterleaveUpper(d, e, f));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, ab_low, ef_low)), d, to[0]);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, ab_low, ef_low)), d, to[1]);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, ab_high, ef_high)), d, to[2]);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, ab_high, ef_high)), d, to[3]);
}
#endif

/// lanes[c * width + i] = rows[i][c] for kQuad rows.
inline void TransposeIn(const float* const* rows, int64_t dim, int64_t width, float* lanes) {
  int64_t c = 0;
  for (; c + kQuad <= dim; c += kQuad) {
    const float* from[kQuad];
    float* to[kQuad];
    for (int64_t i = 0; i < kQuad; ++i) {
      from[i] = rows[i] + c;
      to[i] = lanes + (c + i) * width;
    }
    TransposeQuad(from, to);
  }
  for (; c < dim; ++c)
    for (int64_t i = 0; i < kQuad; ++i) lanes[c * width + i] = rows[i][c];
}

/// rows[i][c] = lanes[c * width + i] for the first `size` of kQuad rows.
inline void TransposeOut(const float* lanes, int64_t dim, int64_t width, float* const* rows,
                         int64_t size) {
  int64_t c = 0;
  for (; c + kQuad <= dim && size == kQuad; c += kQuad) {
    const float* from[kQuad];
    float* to[kQuad];
    for (int64_t i = 0; i < kQuad; ++i) {
      from[i] = lanes + (c + i) * width;
      to[i] = rows[i] + c;
    }
    TransposeQuad(from, to);
  }
  for (; c < dim; ++c)
    for (int64_t i = 0; i < size; ++i) rows[i][c] = lanes[c * width + i];
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
