// One query against one key block; vector lanes are channels. For segments of so few queries that
// most lanes of a query tile would idle.

#if defined(VIDATTN_CPU_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_ROW_INL_H
#undef VIDATTN_CPU_ROW_INL_H
#else
#define VIDATTN_CPU_ROW_INL_H
#endif

#include <algorithm>

#include "attention/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct QueryRow {
  const float* query;  ///< [dim]
  float* acc;          ///< [value dim]
  float *max, *sum;    ///< one each
  int32_t position;
  const float* bias;  ///< of Piece
};

HWY_INLINE float Dot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t dim) {
  const Floats d;
  Vector even = hn::Zero(d), odd = hn::Zero(d);
  int64_t c = 0;
  for (; c + 2 * kLanes <= dim; c += 2 * kLanes) {
    even = hn::MulAdd(hn::Load(d, a + c), hn::LoadU(d, b + c), even);
    odd = hn::MulAdd(hn::Load(d, a + c + kLanes), hn::LoadU(d, b + c + kLanes), odd);
  }
  if (c < dim) even = hn::MulAdd(hn::Load(d, a + c), hn::LoadU(d, b + c), even);
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
}

/// acc = acc * factor + sum_j weights[j] * values[j], for N vectors of channels.
template <int N>
HWY_INLINE void AddValues(const float* HWY_RESTRICT weights, int64_t size,
                          const float* const* HWY_RESTRICT values, int64_t channel, float factor,
                          float* HWY_RESTRICT acc) {
  const Floats d;
  Vector sum[N];
  Unroll<N>([&](auto i) VIDATTN_INLINE { sum[i] = hn::Zero(d); });
  for (int64_t j = 0; j < size; ++j) {
    const Vector w = hn::Set(d, weights[j]);
    const float* HWY_RESTRICT value = values[j] + channel;
    Unroll<N>([&](auto i) VIDATTN_INLINE {
      sum[i] = hn::MulAdd(w, hn::LoadU(d, value + i * kLanes), sum[i]);
    });
  }
  Unroll<N>([&](auto i) VIDATTN_INLINE {
    float* to = acc + channel + i * kLanes;
    hn::StoreU(hn::MulAdd(hn::LoadU(d, to), hn::Set(d, factor), sum[i]), d, to);
  });
}

/// Like SoftmaxStep() for one query; `scores` is readable and writable up to whole vectors.
HWY_INLINE float SoftmaxRow(float* HWY_RESTRICT scores, int64_t size, float* max, float* sum) {
  const Floats d;
  const float high = std::max(*max, *std::max_element(scores, scores + size));
  const float factor = hn::GetLane(Exp2(d, hn::Set(d, *max - high)));
  std::fill(scores + size, scores + hwy::RoundUpTo(size, kLanes), kMasked);
  Vector total = hn::Zero(d);
  for (int64_t j = 0; j < size; j += kLanes) {
    const Vector weight = Exp2(d, hn::Sub(hn::Load(d, scores + j), hn::Set(d, high)));
    hn::Store(weight, d, scores + j);
    total = hn::Add(total, weight);
  }
  *max = high;
  *sum = *sum * factor + hn::GetLane(hn::SumOfLanes(d, total));
  return factor;
}

/// Adds the keys of the span to the query's softmax.
inline HWY_NOINLINE void AttendRow(const QueryRow& row, int64_t dim, int64_t value_dim,
                                   const KeyBlock& block, const KeySpan& span,
                                   const float* const* keys, const float* const* values,
                                   float* HWY_RESTRICT scores) {
  const int64_t size = span.end - span.begin;
  for (int64_t j = 0; j < size; ++j) {
    const int64_t key = span.begin + j;
    const bool hidden = span.partly && (row.position < block.first_query[key] ||
                                        row.position > block.last_query[key]);
    const float bias = row.bias != nullptr ? row.bias[block.rows[key]] : 0;
    scores[j] = hidden ? kMasked : Dot(row.query, keys[key], dim) + bias;
  }
  const float factor = SoftmaxRow(scores, size, row.max, row.sum);
  int64_t c = 0;
  for (; c + 8 * kLanes <= value_dim; c += 8 * kLanes)
    AddValues<8>(scores, size, values + span.begin, c, factor, row.acc);
  for (; c < value_dim; c += kLanes)
    AddValues<1>(scores, size, values + span.begin, c, factor, row.acc);
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
