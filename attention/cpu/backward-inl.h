// The gradients of a piece's queries and of the keys that they see. Lanes are queries, as forward,
// in all products but those that sum over queries, where they are channels.

#if defined(VIDATTN_CPU_BACKWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_BACKWARD_INL_H
#undef VIDATTN_CPU_BACKWARD_INL_H
#else
#define VIDATTN_CPU_BACKWARD_INL_H
#endif

#include <algorithm>
#include <numbers>

#include "attention/backward/upstream.h"
#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/prefetch.h"
#include "attention/cpu/tile-inl.h"
#include "attention/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// to[i][channel ..] += sum_l weights[i * width + l] * rows[l * stride + channel ..] for `count` of
/// kTile keys and NV vectors of channels.
template <int NV>
HWY_INLINE void KeyGradientTile(const float* HWY_RESTRICT weights, int64_t width,
                                const float* HWY_RESTRICT rows, int64_t stride, int64_t steps,
                                float* const* to, int64_t channel, int64_t count) {
  const Floats d;
  Vector sum[kTile * NV];
  const float* weight[kTile];
  Unroll<kTile>([&](auto i) VIDATTN_INLINE { weight[i] = weights + i * width; });
  Unroll<kTile * NV>([&](auto i) VIDATTN_INLINE { sum[i] = hn::Zero(d); });
#pragma GCC unroll 4
  for (int64_t l = 0; l < steps; ++l)
    AddOuterProduct<FloatOps, NV, kTile>(
        rows + l * stride + channel, [&](auto i) VIDATTN_INLINE { return weight[i][l]; }, sum);
  Unroll<kTile>([&](auto i) VIDATTN_INLINE {
    if (i < count)
      Unroll<NV>([&](auto v) VIDATTN_INLINE {
        float* at = to[i] + channel + v * kLanes;
        hn::StoreU(hn::Add(hn::LoadU(d, at), sum[i * NV + v]), d, at);
      });
  });
}

/// The same for all channels of up to kCapacity keys.
HWY_INLINE void AddKeyGradients(const float* weights, int64_t width, int64_t queries,
                                const float* rows, int64_t stride, int64_t dim, float* const* to,
                                int64_t keys) {
  const int64_t vectors = (dim + kLanes - 1) / kLanes;
  for (int64_t done = 0, panels = (vectors + kMaxVectors - 1) / kMaxVectors; done < vectors;
       --panels) {
    const int64_t channel = done * kLanes, panel = (vectors - done + panels - 1) / panels;
    for (int64_t j = 0; j < keys; j += kTile) {
      const int64_t count = std::min<int64_t>(kTile, keys - j);
      const float* w = weights + j * width;
      if (panel == 3)
        KeyGradientTile<3>(w, width, rows, stride, queries, to + j, channel, count);
      else if (panel == 2)
        KeyGradientTile<2>(w, width, rows, stride, queries, to + j, channel, count);
      else
        KeyGradientTile<1>(w, width, rows, stride, queries, to + j, channel, count);
    }
    done += panel;
  }
}

/// What a tile's queries have beside their rows.
struct BackwardLanes {
  HWY_ALIGN float lse[kMaxBackwardQueries + kTileWidth];
  HWY_ALIGN float delta[kMaxBackwardQueries + kTileWidth];
  HWY_ALIGN int32_t position[kMaxBackwardQueries + kTileWidth];
};

/// Turns scores into P and dP into dS = P (dP - delta), for keys that all queries see.
template <int NV>
HWY_INLINE void GradientStep(float* HWY_RESTRICT weights, float* HWY_RESTRICT scores, int64_t size,
                             const float* lse, const float* delta) {
  const Floats d;
  Vector of_all[NV], product[NV];
  Unroll<NV>([&](auto v) VIDATTN_INLINE {
    of_all[v] = hn::Load(d, lse + v * kLanes);
    product[v] = hn::Load(d, delta + v * kLanes);
  });
  for (int64_t j = 0; j < size; ++j)
    Unroll<NV>([&](auto v) VIDATTN_INLINE {
      float *p = weights + (j * NV + v) * kLanes, *s = scores + (j * NV + v) * kLanes;
      const Vector weight = Exp2(d, hn::Sub(hn::Load(d, p), of_all[v]));
      hn::Store(weight, d, p);
      hn::Store(hn::Mul(weight, hn::Sub(hn::Load(d, s), product[v])), d, s);
    });
}

class BackwardRun {
 public:
  BackwardRun(const BackwardPiece& piece, const BackwardScratch& scratch, const BackwardTarget& to)
      : piece_(piece),
        scratch_(scratch),
        to_(to),
        dim_(piece.q->dim()),
        value_dim_(piece.v->dim()),
        row_(padded_row(dim_)),
        value_row_(padded_row(value_dim_)) {}

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
  /// Lanes behind the last query have no weight and no upstream gradient.
  void LoadTile(const QueryTile& tile) {
    for (int64_t lane = 0; lane < tile.width(); ++lane) {
      const int64_t at = tile.first + lane;
      const bool real = lane < tile.size;
      const auto position =
          static_cast<int32_t>(piece_.query_begin + tile.first + std::min(lane, tile.size - 1));
      const int64_t row = piece_.table->query_row(position);
      const int64_t state = row * piece_.heads + piece_.head;
      lanes_.position[at] = position;
      lanes_.lse[at] = real ? piece_.lse[state] : kLseWithoutKeys;
      lanes_.delta[at] = real ? piece_.delta[state] : 0;
      LoadRow(piece_.q->row(row, piece_.head), dim_, real ? piece_.scale : 0,
              scratch_.query_rows + at * row_, row_);
      LoadRow(piece_.upstream + state * value_dim_, value_dim_, real ? 1 : 0,
              scratch_.upstream_rows + at * value_row_, value_row_);
    }
    const float* from = scratch_.query_rows + tile.first * row_;
    float* queries = scratch_.queries + tile.first * dim_;
    Transpose(from, row_, dim_, tile.width(), queries);
    // Scores in units of log2.
    for (int64_t i = 0; i < dim_ * tile.width(); ++i) queries[i] *= std::numbers::log2e_v<float>;
    Transpose(scratch_.upstream_rows + tile.first * value_row_, value_row_, value_dim_,
              tile.width(), scratch_.upstream + tile.first * value_dim_);
    std::fill_n(scratch_.gradient + tile.first * dim_, dim_ * tile.width(), 0.0F);
  }

  static void LoadRow(const float* from, int64_t dim, float factor, float* to, int64_t padded) {
    for (int64_t c = 0; c < dim; ++c) to[c] = from[c] * factor;
    std::fill(to + dim, to + padded, 0.0F);
  }

  static void Transpose(const float* rows, int64_t stride, int64_t dim, int64_t width, float* to) {
    for (int64_t lane = 0; lane < width; lane += kQuad) {
      const float* from[kQuad];
      for (int64_t i = 0; i < kQuad; ++i) from[i] = rows + (lane + i) * stride;
      TransposeIn(from, dim, width, to + lane);
    }
  }

  void LoadBlock(const KeyBlock& block) {
    block_ = &block;
    const int64_t padded =
        std::min<int64_t>(block_->size + KeyBlock::kPadding, block_->rows.size());
    for (int64_t j = 0; j < padded; ++j) {
      const int64_t row = block_->rows[j];
      keys_[j] = piece_.k->row(row, piece_.kv_head);
      values_[j] = piece_.v->row(row, piece_.kv_head);
      key_gradients_[j] = to_.k.row(row);
      value_gradients_[j] = to_.v.row(row);
    }
  }

  template <int NV>
  void AddTile(const QueryTile& tile) {
    const int32_t low = lanes_.position[tile.first];
    const KeySpan span = visible_span(*block_, low, low + static_cast<int32_t>(tile.size) - 1);
    for (int64_t begin = span.begin; begin < span.end; begin += kSpan)
      AddSpan<NV>(tile, {begin, std::min(span.end, begin + kSpan), span.partly});
  }

  template <int NV>
  void AddSpan(const QueryTile& tile, const KeySpan& span) {
    constexpr int64_t kWidth = NV * kLanes;
    const int64_t size = span.end - span.begin;
    float *weights = scratch_.weights, *scores = scratch_.scores;
    for (int64_t j = 0; j < size; j += kTile) {
      ScoreTile<FloatOps, NV>(scratch_.queries + tile.first * dim_, dim_, &keys_[span.begin + j],
                              weights + j * kWidth);
      ScoreTile<FloatOps, NV>(scratch_.upstream + tile.first * value_dim_, value_dim_,
                              &values_[span.begin + j], scores + j * kWidth);
    }
    if (piece_.bias != nullptr) AddBias<NV>(*block_, span, piece_.bias, weights);
    if (span.partly) MaskScores<NV>(*block_, span, &lanes_.position[tile.first], weights);
    GradientStep<NV>(weights, scores, size, &lanes_.lse[tile.first], &lanes_.delta[tile.first]);
    AddQueryGradient<NV>(tile, span, scores);
    AddKeyGradients(weights, kWidth, tile.size, scratch_.upstream_rows + tile.first * value_row_,
                    value_row_, value_dim_, &value_gradients_[span.begin], size);
    AddKeyGradients(scores, kWidth, tile.size, scratch_.query_rows + tile.first * row_, row_, dim_,
                    &key_gradients_[span.begin], size);
    if (to_.bias != nullptr) AddBiasGradient<NV>(span, scores);
  }

  template <int NV>
  void AddQueryGradient(const QueryTile& tile, const KeySpan& span, const float* scores) {
    constexpr int64_t kWidth = NV * kLanes;
    HWY_ALIGN static constexpr auto kOnes = [] {
      std::array<float, kTileWidth> ones{};
      for (float& one : ones) one = 1;
      return ones;
    }();
    const int64_t size = span.end - span.begin;
    float* to = scratch_.gradient + tile.first * dim_;
    int64_t c = 0;
    for (; c + kTile <= dim_; c += kTile)
      ValueTile<FloatOps, NV, kTile>(scores, size, &keys_[span.begin], c, kOnes.data(),
                                     to + c * kWidth);
    for (; c < dim_; ++c)
      ValueTile<FloatOps, NV, 1>(scores, size, &keys_[span.begin], c, kOnes.data(),
                                 to + c * kWidth);
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
    for (int64_t lane = 0; lane < tile.size; lane += kQuad) {
      const int64_t count = std::min<int64_t>(kQuad, tile.size - lane);
      float* rows[kQuad];
      for (int64_t i = 0; i < kQuad; ++i) rows[i] = scratch_.rows + i * row_;
      TransposeOut(scratch_.gradient + tile.first * dim_ + lane, dim_, tile.width(), rows, count);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t position = piece_.query_begin + tile.first + lane + i;
        float* to = to_.q.row(piece_.table->query_row(position));
        for (int64_t c = 0; c < dim_; ++c) to[c] += piece_.scale * rows[i][c];
      }
    }
  }

  static constexpr int64_t kSpan = 64;  ///< keys whose P and dS of a tile stay in cache
  const BackwardPiece& piece_;
  const BackwardScratch& scratch_;
  const BackwardTarget& to_;
  int64_t dim_, value_dim_, row_, value_row_;
  BackwardLanes lanes_;
  const KeyBlock* block_ = nullptr;
  KeyBlock::PerKey<const float*> keys_, values_;
  KeyBlock::PerKey<float*> key_gradients_, value_gradients_;
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
