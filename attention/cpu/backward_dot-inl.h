// The operands of a backward piece as pairs of bfloat16, for AVX-512's dot product: pairs of
// channels for S and dP, of keys for dQ, of queries for dK and dV. P, dS and the upstream gradient
// are rounded to bfloat16; every sum is float32.

#if defined(VIDATTN_CPU_BACKWARD_DOT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_BACKWARD_DOT_INL_H
#undef VIDATTN_CPU_BACKWARD_DOT_INL_H
#else
#define VIDATTN_CPU_BACKWARD_DOT_INL_H
#endif

#include <numbers>

#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/backward_tile-inl.h"
#include "attention/cpu/bf16-inl.h"
#include "attention/cpu/transpose-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Halves = hn::ScalableTag<uint16_t>;

/// Two vectors rounded to bfloat16, one behind the other.
HWY_INLINE hn::Vec<Halves> RoundTwo(Vector first, Vector second) {
  hn::Vec<Halves> both;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both.raw) : "v"(first.raw), "v"(second.raw));
  return both;
}

/// The same with the elements of both in turn.
HWY_INLINE hn::Vec<Halves> Interleaved(hn::Vec<Halves> both) {
  HWY_ALIGN static constexpr auto kTurns = [] {
    std::array<uint16_t, 2 * kLanes> turns{};
    for (uint16_t i = 0; i < kLanes; ++i) {
      turns[2 * i] = i;
      turns[2 * i + 1] = i + kLanes;
    }
    return turns;
  }();
  const auto turns = hn::Load(Halves(), kTurns.data());
  asm("vpermw %0, %1, %0" : "+v"(both.raw) : "v"(turns.raw));
  return both;
}

class DotGradients {
 public:
  static constexpr int64_t kKeyStep = 2;

  DotGradients(const BackwardPiece& piece, const BackwardScratch& scratch)
      : piece_(piece), scratch_(scratch), dim_(piece.q->dim()), value_dim_(piece.v->dim()) {}

  float score_scale() const { return piece_.scale * std::numbers::log2e_v<float>; }
  float slope_scale() const { return piece_.scale; }
  float query_scale() const { return 1; }

  void LoadTile(const QueryTile& tile, const int64_t* rows) const {
    for (int64_t lane = 0; lane < tile.width(); lane += kQuad) {
      const int64_t at = tile.first + lane;
      const float *queries[kQuad], *upstream[kQuad];
      for (int64_t i = 0; i < kQuad; ++i) {
        queries[i] = PairRow(*piece_.q, rows[lane + i], piece_.head);
        float* rounded = scratch_.rows + i * value_dim_ / 2;
        RoundRow(piece_.upstream_row(rows[lane + i]), value_dim_, rounded);
        upstream[i] = rounded;
      }
      LoadQuad(queries, dim_, tile.width(), scratch_.queries + tile.first * dim_ / 2 + lane,
               scratch_.query_rows + at / 2 * dim_);
      LoadQuad(upstream, value_dim_, tile.width(),
               scratch_.upstream + tile.first * value_dim_ / 2 + lane,
               scratch_.upstream_rows + at / 2 * value_dim_);
    }
  }

  void LoadBlock(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j) {
      keys_[j] = PairRow(*piece_.k, block.rows[j], piece_.kv_head);
      values_[j] = PairRow(*piece_.v, block.rows[j], piece_.kv_head);
    }
    for (int64_t j = 0; j < block.size; j += 2) {
      float* pairs = scratch_.key_pairs + j / 2 * dim_;
      InterleaveRows(keys_[j], j + 1 < block.size ? keys_[j + 1] : nullptr, dim_, pairs);
      key_pairs_[j / 2] = pairs;
    }
  }

  template <int NV>
  void Scores(const QueryTile& tile, int64_t begin, int64_t size) const {
    for (int64_t j = 0; j < size; j += kTile) {
      const int64_t at = j * NV * kLanes;
      ScoreTile<PairOps, NV>(scratch_.queries + tile.first * dim_ / 2, dim_ / 2, &keys_[begin + j],
                             scratch_.weights + at);
      ScoreTile<PairOps, NV>(scratch_.upstream + tile.first * value_dim_ / 2, value_dim_ / 2,
                             &values_[begin + j], scratch_.scores + at);
    }
  }

  /// P and dS become rows of bfloat16, in place; dS also pairs of keys.
  template <int NV>
  void Slopes(const GradientLanes<NV>& lanes, int64_t size) const {
    constexpr int64_t kWidth = NV * kLanes;
    const Floats d;
    for (int64_t j = 0; j < size; j += 2) {
      Vector p[2 * NV], slope[2 * NV];
      Unroll<2 * NV>([&](auto i) VIDATTN_INLINE {
        const int64_t at = j * kWidth + i * kLanes;
        p[i] = lanes.P(i % NV, hn::Load(d, scratch_.weights + at));
        slope[i] = lanes.Slope(i % NV, p[i], hn::Load(d, scratch_.scores + at));
      });
      // A key behind the span may not reach the queries; dK and dV leave it out themselves.
      if (j + 1 == size) Unroll<NV>([&](auto v) VIDATTN_INLINE { slope[NV + v] = hn::Zero(d); });
      Unroll<NV>([&](auto v) VIDATTN_INLINE {
        const int64_t at = j * kWidth + v * kLanes;
        StoreTwo(RoundTwo(p[v], p[NV + v]), scratch_.weights, at, kWidth);
        const auto both = RoundTwo(slope[v], slope[NV + v]);
        StoreTwo(both, scratch_.scores, at, kWidth);
        hn::Store(Interleaved(both), Halves(),
                  reinterpret_cast<uint16_t*>(scratch_.slope_pairs + j / 2 * kWidth + v * kLanes));
      });
    }
  }

  template <int NV>
  void AddGradients(const QueryTile& tile, int64_t begin, int64_t size, float* const* to_keys,
                    float* const* to_values) const {
    constexpr int64_t kPairs = NV * kLanes / 2;
    const int64_t queries = (tile.size + 1) / 2;
    AddQueryGradients<PairOps, NV>(scratch_.slope_pairs, (size + 1) / 2, &key_pairs_[begin / 2],
                                   dim_, scratch_.gradient + tile.first * dim_);
    AddKeyGradients<PairOps>(scratch_.weights, kPairs, queries,
                             scratch_.upstream_rows + tile.first / 2 * value_dim_, value_dim_,
                             value_dim_, to_values, size);
    AddKeyGradients<PairOps>(scratch_.scores, kPairs, queries,
                             scratch_.query_rows + tile.first / 2 * dim_, dim_, dim_, to_keys,
                             size);
  }

 private:
  static void RoundRow(const float* from, int64_t dim, float* to) {
    const Floats d;
    auto* halves = reinterpret_cast<uint16_t*>(to);
    for (int64_t c = 0; c < dim; c += kLanes) {
      const Vector x = hn::LoadU(d, from + c);
      hn::StoreU(hn::LowerHalf(RoundTwo(x, x)), hn::Half<Halves>(), halves + c);
    }
  }

  /// Rows of kQuad queries as lanes of pairs of channels, and as pairs of queries.
  static void LoadQuad(const float* const* rows, int64_t dim, int64_t width, float* lanes,
                       float* pairs) {
    TransposeIn(rows, dim / 2, width, lanes);
    for (int64_t i = 0; i < kQuad; i += 2)
      InterleaveRows(rows[i], rows[i + 1], dim, pairs + i / 2 * dim);
  }

  /// The first vector at `at` of rows of bfloat16, the second in the row behind.
  static HWY_INLINE void StoreTwo(hn::Vec<Halves> both, float* rows, int64_t at, int64_t width) {
    const hn::Half<Halves> dh;
    auto* to = reinterpret_cast<uint16_t*>(rows) + at;
    hn::Store(hn::LowerHalf(dh, both), dh, to);
    hn::Store(hn::UpperHalf(dh, both), dh, to + width);
  }

  const BackwardPiece& piece_;
  const BackwardScratch& scratch_;
  int64_t dim_, value_dim_;
  KeyBlock::PerKey<const float*> keys_, values_, key_pairs_;
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET == HWY_AVX3

#endif
