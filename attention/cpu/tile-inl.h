// One key block against a few vectors of queries: scores, softmax step, value product.
//
// Vector lanes are queries, not channels, so that softmax needs no horizontal step and single key
// elements are broadcast straight from the key's own row: keys are never packed, and a gathered key
// is just another row pointer.

#if defined(VIDATTN_CPU_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_TILE_INL_H
#undef VIDATTN_CPU_TILE_INL_H
#else
#define VIDATTN_CPU_TILE_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "attention/cpu/exp2-inl.h"
#include "attention/cpu/kernel.h"
#include "attention/cpu/keys/keys.h"
#include "attention/cpu/keys/prefetch.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::RebindToSigned<Floats>;
using Vector = hn::Vec<Floats>;

inline constexpr int64_t kLanes = hn::MaxLanes(Floats());
/// A register tile is kMaxVectors vectors of queries by kTile keys or channels; it leaves registers
/// for the queries and one broadcast: 24+3+1 of 32, or 12+3+1 of 16.
inline constexpr int kMaxVectors = 3;
inline constexpr int64_t kTileWidth = kMaxVectors * kLanes;  ///< queries of the widest
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
inline constexpr int kTile = 8;
#else
inline constexpr int kTile = 4;
#endif
inline constexpr float kMasked = -std::numeric_limits<float>::max();  // far below RowStates::kNoMax

// g++ keeps an array of vectors in registers only if it sees constant indices early, which it does
// for these expansions but not for unrolled loops.
template <class F, size_t... I>
HWY_INLINE void Unroll(std::index_sequence<I...>, F&& f) {
  (f(std::integral_constant<int, static_cast<int>(I)>()), ...);
}
template <int N, class F>
HWY_INLINE void Unroll(F&& f) {
  Unroll(std::make_index_sequence<N>(), f);
}
#define VIDATTN_INLINE HWY_ATTR __attribute__((always_inline))

/// Queries [first, first+size) of a piece, in whole vectors.
struct QueryTile {
  int64_t first, size;
  int vectors;
  int64_t width() const { return vectors * kLanes; }
};

/// Number of tiles that EachTile() makes.
inline int64_t TileCount(int64_t queries) { return (queries + kTileWidth - 1) / kTileWidth; }

/// Calls f(tile) for the tiles of a piece: as few as possible, of nearly equal width. 64 queries
/// are 2+2 vectors, not 3+1, because a tile of one vector waits for its loads.
template <class F>
void EachTile(int64_t queries, F&& f) {
  int64_t vectors = (queries + kLanes - 1) / kLanes;
  int64_t tiles = TileCount(queries);
  for (int64_t i = 0; i < queries; --tiles) {
    const int64_t width = (vectors + tiles - 1) / tiles;
    const int64_t size = std::min(width * kLanes, queries - i);
    f(QueryTile{i, size, static_cast<int>(width)});
    i += size;
    vectors -= width;
  }
}

/// Calls f(block) for every key block of a piece (Piece or BackwardPiece) that some query position
/// of [low, high] sees, while `ahead` fetches the next one in so many steps.
template <class P, class F>
void EachBlock(const P& piece, int32_t low, int32_t high, int64_t prefetch_steps,
               RowPrefetch& ahead, F&& f) {
  KeyCursor cursor(*piece.table, *piece.segment, low, high);
  KeyBlock blocks[2];
  bool more = cursor.next(blocks[0]);
  for (int current = 0; more; current = 1 - current) {
    more = cursor.next(blocks[1 - current]);
    ahead =
        more ? RowPrefetch(*piece.k, *piece.v, piece.kv_head, blocks[1 - current], prefetch_steps)
             : RowPrefetch();
    f(blocks[current]);
  }
}

/// What one step of a register tile multiplies and adds: a float32 per lane.
struct FloatOps {
  static HWY_INLINE Vector MulAdd(Vector a, Vector b, Vector sum) { return hn::MulAdd(a, b, sum); }
};

/// sum[i*NV + v] += step[v] * scalar(i), i < N: the multiply-adds of one step of a register tile.
template <class Ops, int NV, int N, class F>
HWY_INLINE void AddOuterProduct(const float* HWY_RESTRICT step, F&& scalar, Vector* sum) {
  const Floats d;
  Vector x[NV];
  Unroll<NV>([&](auto v) VIDATTN_INLINE { x[v] = hn::Load(d, step + v * kLanes); });
  Unroll<N>([&](auto i) VIDATTN_INLINE {
    const Vector s = hn::Set(d, scalar(i));
    Unroll<NV>([&](auto v)
                   VIDATTN_INLINE { sum[i * NV + v] = Ops::MulAdd(s, x[v], sum[i * NV + v]); });
  });
}

// The register tiles are functions of their own: inlined into one that holds several, g++ 12 spills
// the sums of those that are written in assembly, which cost bf16 a quarter of its rate.

/// scores[kTile][NV*kLanes] of kTile keys, from rows of `steps` elements.
template <class Ops, int NV>
HWY_NOINLINE void ScoreTile(const float* HWY_RESTRICT queries, int64_t steps,
                            const float* const* HWY_RESTRICT keys, float* HWY_RESTRICT scores) {
  const Floats d;
  Vector sum[kTile * NV];
  const float* key[kTile];
  Unroll<kTile>([&](auto i) VIDATTN_INLINE { key[i] = keys[i]; });
  Unroll<kTile * NV>([&](auto i) VIDATTN_INLINE { sum[i] = hn::Zero(d); });
#pragma GCC unroll 4
  for (int64_t c = 0; c < steps; ++c)
    AddOuterProduct<Ops, NV, kTile>(
        queries + c * NV * kLanes, [&](auto i) VIDATTN_INLINE { return key[i][c]; }, sum);
  Unroll<kTile * NV>([&](auto i) VIDATTN_INLINE { hn::Store(sum[i], d, scores + i * kLanes); });
}

/// acc[N][NV*kLanes] = acc * factor + sum_j weights[j] * values[j][0..N). The tile starts from zero
/// and not from acc, which keeps rounding errors small for many keys.
template <class Ops, int NV, int N>
HWY_NOINLINE void ValueTile(const float* HWY_RESTRICT weights, int64_t size,
                            const float* const* HWY_RESTRICT values, int64_t channel,
                            const float* HWY_RESTRICT factor, float* HWY_RESTRICT acc) {
  const Floats d;
  Vector sum[N * NV];
  Unroll<N * NV>([&](auto i) VIDATTN_INLINE { sum[i] = hn::Zero(d); });
#pragma GCC unroll 4
  for (int64_t j = 0; j < size; ++j) {
    const float* HWY_RESTRICT value = values[j] + channel;
    AddOuterProduct<Ops, NV, N>(
        weights + j * NV * kLanes, [&](auto i) VIDATTN_INLINE { return value[i]; }, sum);
  }
  Unroll<N * NV>([&](auto i) VIDATTN_INLINE {
    const Vector f = hn::Load(d, factor + (i % NV) * kLanes);
    float* to = acc + i * kLanes;
    hn::Store(hn::MulAdd(hn::Load(d, to), f, sum[i]), d, to);
  });
}

/// Adds each key's bias, by its row, to the scores of all queries.
template <int NV>
void AddBias(const KeyBlock& block, const KeySpan& span, const float* bias,
             float* HWY_RESTRICT scores) {
  const Floats d;
  for (int64_t j = span.begin; j < span.end; ++j, scores += NV * kLanes) {
    const Vector b = hn::Set(d, bias[block.rows[j]]);
    for (int v = 0; v < NV; ++v) {
      float* s = scores + v * kLanes;
      hn::Store(hn::Add(hn::Load(d, s), b), d, s);
    }
  }
}

/// Sets the scores of keys that a query does not see to kMasked.
template <int NV>
void MaskScores(const KeyBlock& block, const KeySpan& span, const int32_t* positions,
                float* HWY_RESTRICT scores) {
  const Floats d;
  const Ints di;
  for (int64_t j = span.begin; j < span.end; ++j, scores += NV * kLanes) {
    const auto first = hn::Set(di, block.first_query[j]), last = hn::Set(di, block.last_query[j]);
    for (int v = 0; v < NV; ++v) {
      const auto p = hn::Load(di, positions + v * kLanes);
      const auto hidden = hn::Or(hn::Lt(p, first), hn::Gt(p, last));
      float* s = scores + v * kLanes;
      hn::Store(hn::IfThenElse(hn::RebindMask(d, hidden), hn::Set(d, kMasked), hn::Load(d, s)), d,
                s);
    }
  }
}

/// The largest of `size` rows of scores, of each query.
template <int NV>
HWY_INLINE void Highest(const float* HWY_RESTRICT scores, int64_t size, Vector* high) {
  const Floats d;
  Unroll<NV>([&](auto v) VIDATTN_INLINE { high[v] = hn::Set(d, kMasked); });
  for (int64_t j = 0; j < size; ++j)
    Unroll<NV>([&](auto v) VIDATTN_INLINE {
      high[v] = hn::Max(high[v], hn::Load(d, scores + (j * NV + v) * kLanes));
    });
}

/// Where scores alone are wanted: updates max, scaled, and sets sum to 1.
template <int NV>
void KeepHighest(const float* scores, int64_t size, float scale, float* max, float* sum) {
  const Floats d;
  Vector high[NV];
  Highest<NV>(scores, size, high);
  Unroll<NV>([&](auto v) VIDATTN_INLINE {
    float* m = max + v * kLanes;
    hn::Store(hn::Max(hn::Load(d, m), hn::Mul(high[v], hn::Set(d, scale))), d, m);
    hn::Store(hn::Set(d, 1.0F), d, sum + v * kLanes);
  });
}

/// Turns `size` rows of scores into weights 2^(scale * score - max), updates max and sum of each
/// query, and gives the factor that rescales what was summed before. Needs scale > 0.
template <int NV>
void SoftmaxStep(float* HWY_RESTRICT scores, int64_t size, float scale, float* HWY_RESTRICT max,
                 float* HWY_RESTRICT sum, float* HWY_RESTRICT factor) {
  const Floats d;
  const Vector unit = hn::Set(d, scale);
  Vector high[NV], total[NV];
  Highest<NV>(scores, size, high);
  Unroll<NV>([&](auto v) VIDATTN_INLINE {
    const Vector before = hn::Load(d, max + v * kLanes);
    high[v] = hn::Max(before, hn::Mul(high[v], unit));
    hn::Store(Exp2(d, hn::Sub(before, high[v])), d, factor + v * kLanes);
    hn::Store(high[v], d, max + v * kLanes);
    total[v] = hn::Zero(d);
  });
  for (int64_t j = 0; j < size; ++j)
    Unroll<NV>([&](auto v) VIDATTN_INLINE {
      float* s = scores + (j * NV + v) * kLanes;
      const Vector weight = Exp2(d, hn::MulSub(hn::Load(d, s), unit, high[v]));
      hn::Store(weight, d, s);
      total[v] = hn::Add(total[v], weight);
    });
  Unroll<NV>([&](auto v) VIDATTN_INLINE {
    float* s = sum + v * kLanes;
    hn::Store(hn::MulAdd(hn::Load(d, s), hn::Load(d, factor + v * kLanes), total[v]), d, s);
  });
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
