// The gradients of a piece's queries and of the keys that they see.

#if defined(VIDATTN_CPU_BACKWARD_RUN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_BACKWARD_RUN_INL_H
#undef VIDATTN_CPU_BACKWARD_RUN_INL_H
#else
#define VIDATTN_CPU_BACKWARD_RUN_INL_H
#endif

#include <algorithm>

#include "attention/backward/upstream.h"
#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/backward_tile-inl.h"
#include "attention/cpu/keys/prefetch.h"
#include "attention/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// What a tile's queries have beside their rows.
struct BackwardLanes {
  HWY_ALIGN float lse[kMaxBackwardQueries + kTileWidth];
  HWY_ALIGN float delta[kMaxBackwardQueries + kTileWidth];
  HWY_ALIGN int32_t position[kMaxBackwardQueries + kTileWidth];
};

template <class Operands>
class BackwardRun {
 public:
  BackwardRun(const BackwardPiece& piece, const BackwardScratch& scratch, const BackwardTarget& to)
      : piece_(piece),
        scratch_(scratch),
        to_(to),
        dim_(piece.q->dim()),
        operands_(piece, scratch) {}

  void Run() {
    const int64_t queries = piece_.query_end - piece_.query_begin;
    EachTile(queries, [&](const QueryTile& tile) HWY_ATTR { LoadTile(tile); });
    RowPrefetch ahead;
    EachBlock(piece_, piece_.query_begin, piece_.query_end - 1, TileCount(queries), ahead,
              [&](const KeyBlock& block) HWY_ATTR {
                LoadBlock(block);
                EachTile(queries, [&](const QueryTile& tile) HWY_ATTR {
                  ahead.step();
                  if (tile.vectors == 3) return AddTile<3>(tile);
                  if (tile.vectors == 2) return AddTile<2>(tile);
                  AddTile<1>(tile);
                });
              });
    EachTile(queries, [&](const QueryTile& tile) HWY_ATTR { StoreTile(tile); });
  }

 private:
  /// Lanes behind the last query repeat it without weight.
  void LoadTile(const QueryTile& tile) {
    int64_t rows[kTileWidth];
    for (int64_t lane = 0; lane < tile.width(); ++lane) {
      const int64_t at = tile.first + lane;
      const bool real = lane < tile.size;
      lanes_.position[at] =
          static_cast<int32_t>(piece_.query_begin + tile.first + std::min(lane, tile.size - 1));
      rows[lane] = piece_.table->query_row(lanes_.position[at]);
      const int64_t state = rows[lane] * piece_.heads + piece_.head;
      lanes_.lse[at] = real ? piece_.lse[state] : kLseWithoutKeys;
      lanes_.delta[at] = real ? piece_.delta[state] : 0;
    }
    operands_.LoadTile(tile, rows);
    std::fill_n(scratch_.gradient + tile.first * dim_, dim_ * tile.width(), 0.0F);
  }

  void LoadBlock(const KeyBlock& block) {
    block_ = &block;
    operands_.LoadBlock(block);
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j) {
      key_gradients_[j] = to_.k.row(block.rows[j]);
      value_gradients_[j] = to_.v.row(block.rows[j]);
    }
  }

  template <int NV>
  void AddTile(const QueryTile& tile) {
    const int32_t low = lanes_.position[tile.first];
    KeySpan span = visible_span(*block_, low, low + static_cast<int32_t>(tile.size) - 1);
    if (const int64_t excess = span.begin % Operands::kKeyStep; excess > 0) {
      span.begin -= excess;
      span.partly = true;
    }
    for (int64_t begin = span.begin; begin < span.end; begin += kSpan)
      AddSpan<NV>(tile, {begin, std::min(span.end, begin + kSpan), span.partly});
  }

  template <int NV>
  void AddSpan(const QueryTile& tile, const KeySpan& span) {
    const int64_t begin = span.begin, size = span.end - begin;
    operands_.template Scores<NV>(tile, begin, size);
    if (piece_.bias != nullptr) AddBias<NV>(*block_, span, piece_.bias, scratch_.weights);
    if (span.partly) MaskScores<NV>(*block_, span, &lanes_.position[tile.first], scratch_.weights);
    operands_.template Slopes<NV>(
        GradientLanes<NV>(operands_.score_scale(), operands_.slope_scale(), &lanes_.lse[tile.first],
                          &lanes_.delta[tile.first]),
        size);
    operands_.template AddGradients<NV>(tile, begin, size, &key_gradients_[begin],
                                        &value_gradients_[begin]);
    if (to_.bias != nullptr) AddBiasGradient<NV>(span, scratch_.scores);
  }

  template <int NV>
  void AddBiasGradient(const KeySpan& span, const float* scores) {
    const Floats d;
    for (int64_t j = span.begin; j < span.end; ++j, scores += NV * kLanes) {
      Vector sum = hn::Load(d, scores);
      for (int v = 1; v < NV; ++v) sum = hn::Add(sum, hn::Load(d, scores + v * kLanes));
      to_.bias[block_->rows[j]] += hn::GetLane(hn::SumOfLanes(d, sum));
    }
  }

  void StoreTile(const QueryTile& tile) const {
    const int64_t row = padded_row(dim_);
    for (int64_t lane = 0; lane < tile.size; lane += kQuad) {
      const int64_t count = std::min<int64_t>(kQuad, tile.size - lane);
      float* rows[kQuad];
      for (int64_t i = 0; i < kQuad; ++i) rows[i] = scratch_.rows + i * row;
      TransposeOut(scratch_.gradient + tile.first * dim_ + lane, dim_, tile.width(), rows, count);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t position = piece_.query_begin + tile.first + lane + i;
        float* to = to_.q.row(piece_.table->query_row(position));
        for (int64_t c = 0; c < dim_; ++c) to[c] += operands_.query_scale() * rows[i][c];
      }
    }
  }

  static constexpr int64_t kSpan = BackwardScratch::kSpan;
  const BackwardPiece& piece_;
  const BackwardScratch& scratch_;
  const BackwardTarget& to_;
  int64_t dim_;
  Operands operands_;
  BackwardLanes lanes_;
  const KeyBlock* block_ = nullptr;
  KeyBlock::PerKey<float*> key_gradients_, value_gradients_;
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
