// One key block in the form that a multiply-add unit wants it, with the two matrix products of
// attention.

#if defined(VIDATTN_CPU_BLOCK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_BLOCK_INL_H
#undef VIDATTN_CPU_BLOCK_INL_H
#else
#define VIDATTN_CPU_BLOCK_INL_H
#endif

#include <algorithm>

#include "attention/cpu/convert-inl.h"
#include "attention/cpu/keys/prefetch.h"
#include "attention/cpu/tile-inl.h"
#include "attention/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Query number i of the piece as float32, scaled.
inline void ReadQuery(const Piece& piece, int64_t i, float* to) {
  const Tensor& q = *piece.q;
  dispatch(q.dtype(), [&](auto t) HWY_ATTR {
    ReadRow(q.data<decltype(t)>() + q.offset(piece.rows[i], piece.head), q.dim(), to);
  });
  for (int64_t c = 0; c < q.dim(); ++c) to[c] *= piece.scale;
}

/// float32 multiply-add. Keys and values are read where they lie; other storage is converted.
class FloatBlock {
 public:
  static constexpr int64_t kKeyStep = 1;  ///< spans of keys begin at multiples of this
  static constexpr int64_t kPrefetchSteps = KeyBlock::kCapacity / kTile;  ///< of Scores()

  FloatBlock(const Piece& piece, const Scratch& scratch)
      : piece_(piece), scratch_(scratch), dim_(piece.q->dim()), value_dim_(piece.v->dim()) {}

  /// Factor that turns what Scores() computes into scores in units of log2.
  float score_scale() const { return 1; }

  /// kQuad queries, the piece's lanes from `lane` on, in the form that Scores() wants.
  void LoadQueries(const int64_t* queries, int64_t /*lane*/, int64_t width, float* lanes) const {
    const float* rows[kQuad];
    for (int64_t i = 0; i < kQuad; ++i) {
      ReadQuery(piece_, queries[i], scratch_.rows + i * dim_);
      rows[i] = scratch_.rows + i * dim_;
    }
    TransposeIn(rows, dim_, width, lanes);
  }

  void LoadKeys(const KeyBlock& block) { LoadRows(*piece_.k, block, scratch_.keys, keys_); }
  void LoadValues(const KeyBlock& block) { LoadRows(*piece_.v, block, scratch_.values, values_); }

  const float* const* keys() const { return keys_.data(); }
  const float* const* values() const { return values_.data(); }

  /// scores[key - span.begin][query] of a tile that begins at lane `first`
  template <int NV>
  void Scores(const float* queries, int64_t /*first*/, const KeySpan& span, RowPrefetch& ahead,
              float* scores) const {
    for (int64_t j = span.begin; j < span.end; j += kTile, scores += kTile * NV * kLanes) {
      ScoreTile<FloatOps, NV>(queries, dim_, keys() + j, scores);
      ahead.step();
    }
  }

  /// acc = acc * factor + values^T x weights. The weights may be overwritten.
  template <int NV>
  void AddValues(float* weights, const KeySpan& span, const float* factor, float* acc) const {
    constexpr int64_t kWidth = NV * kLanes;
    const int64_t size = span.end - span.begin;
    const float* const* values = values_.data() + span.begin;
    int64_t c = 0;
    for (; c + kTile <= value_dim_; c += kTile)
      ValueTile<FloatOps, NV, kTile>(weights, size, values, c, factor, acc + c * kWidth);
    for (; c < value_dim_; ++c)
      ValueTile<FloatOps, NV, 1>(weights, size, values, c, factor, acc + c * kWidth);
  }

 private:
  void LoadRows(const Tensor& tensor, const KeyBlock& block, float* converted,
                KeyBlock::PerKey<const float*>& rows) const {
    const bool direct = tensor.dtype() == DType::f32;
    const int64_t dim = tensor.dim();
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j)
      rows[j] = direct ? tensor.row(block.rows[j], piece_.kv_head)
                       : converted + std::min(j, block.size - 1) * dim;
    if (direct) return;
    dispatch(tensor.dtype(), [&](auto t) HWY_ATTR {
      for (int64_t j = 0; j < block.size; ++j)
        ReadRow(tensor.data<decltype(t)>() + tensor.offset(block.rows[j], piece_.kv_head), dim,
                converted + j * dim);
    });
  }

  const Piece& piece_;
  const Scratch& scratch_;
  int64_t dim_, value_dim_;
  KeyBlock::PerKey<const float*> keys_, values_;
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
