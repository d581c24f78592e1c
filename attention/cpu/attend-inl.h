// The queries of a piece against all keys of its segment.

#if defined(VIDATTN_CPU_ATTEND_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_ATTEND_INL_H
#undef VIDATTN_CPU_ATTEND_INL_H
#else
#define VIDATTN_CPU_ATTEND_INL_H
#endif

#include <algorithm>

#include "attention/cpu/block-inl.h"
#include "attention/cpu/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls attend(block) for every key block that some query sees.
template <class F>
void EachBlock(const Piece& piece, int64_t prefetch_steps, RowPrefetch& ahead, F&& attend) {
  const auto [low, high] = std::minmax_element(piece.positions, piece.positions + piece.size);
  EachBlock(piece, *low, *high, prefetch_steps, ahead, attend);
}

/// Few queries: lanes are channels.
inline void AttendRows(const Piece& piece, const Scratch& scratch, const RowStates& states) {
  const int64_t dim = piece.q->dim(), value_dim = piece.v->dim();
  for (int64_t i = 0; i < piece.size; ++i) {
    ReadQuery(piece, i, scratch.queries + i * dim);
    if (piece.fresh) states.clear(piece.states[i], piece.states[i] + 1, value_dim);
  }
  FloatBlock operands(piece, scratch);
  RowPrefetch ahead;
  EachBlock(piece, piece.size, ahead, [&](const KeyBlock& block) HWY_ATTR {
    operands.LoadKeys(block);
    operands.LoadValues(block);
    for (int64_t i = 0; i < piece.size; ++i) {
      ahead.step();
      const int32_t p = piece.positions[i], state = piece.states[i];
      const KeySpan span = visible_span(block, p, p);
      if (span.begin < span.end)
        AttendRow({scratch.queries + i * dim, states.acc + state * value_dim, states.max + state,
                   states.sum + state, p, piece.bias},
                  dim, value_dim, block, span, operands.keys(), operands.values(), scratch.scores);
    }
  });
}

/// Many queries, in tiles of up to kTileWidth: lanes are queries.
template <class Block>
class TileRun {
 public:
  TileRun(const Piece& piece, const Scratch& scratch, const RowStates& states)
      : piece_(piece),
        scratch_(scratch),
        states_(states),
        dim_(piece.q->dim()),
        value_dim_(piece.v->dim()),
        operands_(piece, scratch) {}

  void Run() {
    const int64_t steps = TileCount(piece_.size) * Block::kPrefetchSteps;
    EachTile(piece_.size, [&](const QueryTile& tile) HWY_ATTR { LoadTile(tile); });
    EachBlock(piece_, steps, ahead_, [&](const KeyBlock& block) HWY_ATTR {
      operands_.LoadKeys(block);
      if (!piece_.scores_only) operands_.LoadValues(block);
      EachTile(piece_.size, [&](const QueryTile& tile) HWY_ATTR { AttendTile(tile, block); });
    });
    EachTile(piece_.size, [&](const QueryTile& tile) HWY_ATTR { StoreTile(tile); });
  }

 private:
  // Lanes behind the last query repeat it; nothing reads what they compute.
  void LoadTile(const QueryTile& tile) {
    float* acc = scratch_.acc + tile.first * value_dim_;
    for (int64_t lane = 0; lane < tile.width(); lane += kQuad) {
      int64_t queries[kQuad];
      const float* rows[kQuad];
      for (int64_t i = 0; i < kQuad; ++i) {
        queries[i] = tile.first + std::min(lane + i, tile.size - 1);
        const int64_t state = piece_.states[queries[i]], at = tile.first + lane + i;
        rows[i] = states_.acc + state * value_dim_;
        max_[at] = piece_.fresh ? RowStates::kNoMax : states_.max[state];
        sum_[at] = piece_.fresh ? 0 : states_.sum[state];
        positions_[at] = piece_.positions[queries[i]];
      }
      operands_.LoadQueries(queries, tile.first + lane, tile.width(),
                            scratch_.queries + tile.first * dim_ + lane);
      if (!piece_.fresh) TransposeIn(rows, value_dim_, tile.width(), acc + lane);
    }
    if (piece_.fresh) std::fill_n(acc, tile.width() * value_dim_, 0.0F);
  }

  void StoreTile(const QueryTile& tile) const {
    for (int64_t lane = 0; lane < tile.size; lane += kQuad) {
      const int64_t size = std::min(kQuad, tile.size - lane);
      float* rows[kQuad] = {};
      for (int64_t i = 0; i < size; ++i) {
        const int64_t at = tile.first + lane + i, state = piece_.states[at];
        rows[i] = states_.acc + state * value_dim_;
        states_.max[state] = max_[at];
        states_.sum[state] = sum_[at];
      }
      TransposeOut(scratch_.acc + tile.first * value_dim_ + lane, value_dim_, tile.width(), rows,
                   size);
    }
  }

  void AttendTile(const QueryTile& tile, const KeyBlock& block) {
    const int32_t* positions = positions_ + tile.first;
    const auto [low, high] = std::minmax_element(positions, positions + tile.size);
    KeySpan span = visible_span(block, *low, *high);
    if (span.begin == span.end) return;
    if (const int64_t excess = span.begin % Block::kKeyStep) {
      span.begin -= excess;
      span.partly = true;
    }
    if (tile.vectors == 1) return AttendTile<1>(tile.first, block, span);
    if (tile.vectors == 2) return AttendTile<2>(tile.first, block, span);
    AttendTile<3>(tile.first, block, span);
  }

  template <int NV>
  HWY_NOINLINE void AttendTile(int64_t first, const KeyBlock& block, const KeySpan& span) {
    HWY_ALIGN float factor[NV * kLanes];
    float* scores = scratch_.scores;
    operands_.template Scores<NV>(scratch_.queries + first * dim_, first, span, ahead_, scores);
    if (piece_.bias != nullptr) AddBias<NV>(block, span, piece_.bias, scores);
    if (span.partly) MaskScores<NV>(block, span, positions_ + first, scores);
    if (piece_.scores_only)
      return KeepHighest<NV>(scores, span.end - span.begin, operands_.score_scale(), max_ + first,
                             sum_ + first);
    SoftmaxStep<NV>(scores, span.end - span.begin, operands_.score_scale(), max_ + first,
                    sum_ + first, factor);
    operands_.template AddValues<NV>(scores, span, factor, scratch_.acc + first * value_dim_);
  }

  const Piece& piece_;
  const Scratch& scratch_;
  const RowStates& states_;
  int64_t dim_, value_dim_;
  Block operands_;
  RowPrefetch ahead_;
  HWY_ALIGN float max_[kMaxQueries];
  HWY_ALIGN float sum_[kMaxQueries];
  HWY_ALIGN int32_t positions_[kMaxQueries];
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
