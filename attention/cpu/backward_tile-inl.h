// One key block against a few vectors of queries, backward: P and dS, and the products that add
// gradients. Lanes are queries, as forward, in all products but those that sum over queries, where
// they are channels.

#if defined(VIDATTN_CPU_BACKWARD_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_BACKWARD_TILE_INL_H
#undef VIDATTN_CPU_BACKWARD_TILE_INL_H
#else
#define VIDATTN_CPU_BACKWARD_TILE_INL_H
#endif

#include <algorithm>
#include <array>
#include <numbers>

#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/tile-inl.h"
#include "attention/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// What turns scores into P = 2^(scale * score - lse), and dP into dS = P (dP - delta) * slope.
template <int NV>
class GradientLanes {
 public:
  HWY_INLINE GradientLanes(float scale, float slope, const float* lse, const float* delta)
      : scale_(hn::Set(Floats(), scale)), slope_(hn::Set(Floats(), slope)) {
    Unroll<NV>([&](auto v) VIDATTN_INLINE {
      lse_[v] = hn::Load(Floats(), lse + v * kLanes);
      delta_[v] = hn::Mul(hn::Load(Floats(), delta + v * kLanes), slope_);
    });
  }
  HWY_INLINE Vector P(int v, Vector score) const {
    return Exp2(Floats(), hn::MulSub(score, scale_, lse_[v]));
  }
  HWY_INLINE Vector Slope(int v, Vector p, Vector dp) const {
    return hn::Mul(p, hn::MulSub(dp, slope_, delta_[v]));
  }

 private:
  Vector scale_, slope_, lse_[NV], delta_[NV];
};

/// to[c][query] += sum_j slopes[j][query] * rows[j][c], j < steps.
template <class Ops, int NV>
HWY_INLINE void AddQueryGradients(const float* slopes, int64_t steps, const float* const* rows,
                                  int64_t dim, float* to) {
  constexpr int64_t kWidth = NV * kLanes;
  HWY_ALIGN static constexpr auto kOnes = [] {
    std::array<float, kTileWidth> ones{};
    for (float& one : ones) one = 1;
    return ones;
  }();
  int64_t c = 0;
  for (; c + kTile <= dim; c += kTile)
    ValueTile<Ops, NV, kTile>(slopes, steps, rows, c, kOnes.data(), to + c * kWidth);
  for (; c < dim; ++c) ValueTile<Ops, NV, 1>(slopes, steps, rows, c, kOnes.data(), to + c * kWidth);
}

/// to[i][channel ..] += sum_l weights[i * width + l] * rows[l * stride + channel ..], l < steps,
/// for `count` of kTile keys and NV vectors of channels.
template <class Ops, int NV>
HWY_NOINLINE void KeyGradientTile(const float* HWY_RESTRICT weights, int64_t width,
                                  const float* HWY_RESTRICT rows, int64_t stride, int64_t steps,
                                  float* const* to, int64_t channel, int64_t count) {
  const Floats d;
  Vector sum[kTile * NV];
  const float* weight[kTile];
  Unroll<kTile>([&](auto i) VIDATTN_INLINE { weight[i] = weights + i * width; });
  Unroll<kTile * NV>([&](auto i) VIDATTN_INLINE { sum[i] = hn::Zero(d); });
#pragma GCC unroll 4
  for (int64_t l = 0; l < steps; ++l)
    AddOuterProduct<Ops, NV, kTile>(
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
template <class Ops>
HWY_INLINE void AddKeyGradients(const float* weights, int64_t width, int64_t steps,
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
        KeyGradientTile<Ops, 3>(w, width, rows, stride, steps, to + j, channel, count);
      else if (panel == 2)
        KeyGradientTile<Ops, 2>(w, width, rows, stride, steps, to + j, channel, count);
      else
        KeyGradientTile<Ops, 1>(w, width, rows, stride, steps, to + j, channel, count);
    }
    done += panel;
  }
}

/// The operands of a backward piece as float32.
class FloatGradients {
 public:
  static constexpr int64_t kKeyStep = 1;  ///< spans of keys begin at multiples of this

  FloatGradients(const BackwardPiece& piece, const BackwardScratch& scratch)
      : piece_(piece),
        scratch_(scratch),
        dim_(piece.q->dim()),
        value_dim_(piece.v->dim()),
        row_(padded_row(dim_)),
        value_row_(padded_row(value_dim_)) {}

  // The queries are loaded with the scale.
  float score_scale() const { return 1; }             ///< to units of log2
  float slope_scale() const { return 1; }             ///< in dS
  float query_scale() const { return piece_.scale; }  ///< of what is summed for the queries

  /// `rows` of the tile's lanes, of which those behind its size do not count.
  void LoadTile(const QueryTile& tile, const int64_t* rows) const {
    for (int64_t lane = 0; lane < tile.width(); ++lane) {
      const int64_t at = tile.first + lane;
      const bool real = lane < tile.size;
      LoadRow(piece_.q->row(rows[lane], piece_.head), dim_, real ? piece_.scale : 0,
              scratch_.query_rows + at * row_, row_);
      LoadRow(piece_.upstream_row(rows[lane]), value_dim_, real ? 1 : 0,
              scratch_.upstream_rows + at * value_row_, value_row_);
    }
    float* queries = scratch_.queries + tile.first * dim_;
    Transpose(scratch_.query_rows + tile.first * row_, row_, dim_, tile.width(), queries);
    // Scores in units of log2.
    for (int64_t i = 0; i < dim_ * tile.width(); ++i) queries[i] *= std::numbers::log2e_v<float>;
    Transpose(scratch_.upstream_rows + tile.first * value_row_, value_row_, value_dim_,
              tile.width(), scratch_.upstream + tile.first * value_dim_);
  }

  void LoadBlock(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j) {
      keys_[j] = piece_.k->row(block.rows[j], piece_.kv_head);
      values_[j] = piece_.v->row(block.rows[j], piece_.kv_head);
    }
  }

  /// Scores and dP of `size` keys from `begin` on, into the scratch memory.
  template <int NV>
  void Scores(const QueryTile& tile, int64_t begin, int64_t size) const {
    for (int64_t j = 0; j < size; j += kTile) {
      const int64_t at = j * NV * kLanes;
      ScoreTile<FloatOps, NV>(scratch_.queries + tile.first * dim_, dim_, &keys_[begin + j],
                              scratch_.weights + at);
      ScoreTile<FloatOps, NV>(scratch_.upstream + tile.first * value_dim_, value_dim_,
                              &values_[begin + j], scratch_.scores + at);
    }
  }

  /// Turns them into P and dS.
  template <int NV>
  void Slopes(const GradientLanes<NV>& lanes, int64_t size) const {
    const Floats d;
    for (int64_t j = 0; j < size; ++j)
      Unroll<NV>([&](auto v) VIDATTN_INLINE {
        const int64_t at = (j * NV + v) * kLanes;
        const Vector p = lanes.P(v, hn::Load(d, scratch_.weights + at));
        hn::Store(p, d, scratch_.weights + at);
        hn::Store(lanes.Slope(v, p, hn::Load(d, scratch_.scores + at)), d, scratch_.scores + at);
      });
  }

  template <int NV>
  void AddGradients(const QueryTile& tile, int64_t begin, int64_t size, float* const* to_keys,
                    float* const* to_values) const {
    constexpr int64_t kWidth = NV * kLanes;
    AddQueryGradients<FloatOps, NV>(scratch_.scores, size, &keys_[begin], dim_,
                                    scratch_.gradient + tile.first * dim_);
    AddKeyGradients<FloatOps>(scratch_.weights, kWidth, tile.size,
                              scratch_.upstream_rows + tile.first * value_row_, value_row_,
                              value_dim_, to_values, size);
    AddKeyGradients<FloatOps>(scratch_.scores, kWidth, tile.size,
                              scratch_.query_rows + tile.first * row_, row_, dim_, to_keys, size);
  }

 private:
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

  const BackwardPiece& piece_;
  const BackwardScratch& scratch_;
  int64_t dim_, value_dim_, row_, value_row_;
  KeyBlock::PerKey<const float*> keys_, values_;
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
