// The units of x86 that multiply int8 and add in int32: AVX-512's dot product (vpdpbusd) and AMX's
// matrix product (tdpbssd), in assembly as in bf16-inl.h. Both take four codes in 32-bit elements.
// Only the scores are of int8; the values are those of another block.

#if defined(VIDATTN_CPU_INT8_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_INT8_INL_H
#undef VIDATTN_CPU_INT8_INL_H
#else
#define VIDATTN_CPU_INT8_INL_H
#endif

#include <cstring>

#include "attention/cpu/bf16-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Adds the products of four unsigned codes (b) with four signed ones (a) per lane.
struct Int8Ops {
  static HWY_INLINE Vector MulAdd(Vector a, Vector b, Vector sum) {
    asm("vpdpbusd %1, %2, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return sum;
  }
};

struct Int8Tile {
  static HWY_INLINE void MulAdd0() { asm volatile("tdpbssd %tmm4, %tmm3, %tmm0"); }
  static HWY_INLINE void MulAdd1() { asm volatile("tdpbssd %tmm5, %tmm3, %tmm1"); }
  static HWY_INLINE void MulAdd2() { asm volatile("tdpbssd %tmm6, %tmm3, %tmm2"); }
};

/// What both units share: packed queries and keys with their scales, and the block that multiplies
/// the values.
template <class Values>
class Int8Block {
 public:
  static constexpr int64_t kKeyStep = Values::kKeyStep;

  Int8Block(const Piece& piece, const Scratch& scratch)
      : piece_(piece), scratch_(scratch), elements_(piece.q->dim()), values_(piece, scratch) {}

  float score_scale() const { return 1; }  // Scores() applies it with the scales of the codes

  void LoadValues(const KeyBlock& block) { values_.LoadValues(block); }

  template <int NV>
  void AddValues(float* weights, const KeySpan& span, const float* factor, float* acc) const {
    values_.template AddValues<NV>(weights, span, factor, acc);
  }

 protected:
  const float* Query(int64_t i) const { return piece_.q->row(piece_.rows[i], piece_.head); }

  /// Keeps the scales of kQuad queries, softmax's included.
  void LoadQueryScales(const int64_t* queries, int64_t lane) {
    for (int64_t i = 0; i < kQuad; ++i)
      query_scale_[lane + i] =
          piece_.scale *
          piece_.q_codes->scale[piece_.rows[queries[i]] * piece_.q->heads() + piece_.head];
  }

  int64_t KeyAt(const KeyBlock& block, int64_t j) const {
    return block.rows[j] * piece_.k->heads() + piece_.kv_head;
  }

  /// Keeps the scales of the block's keys, zeros behind them.
  void LoadKeyScales(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size; ++j) key_scale_[j] = piece_.k_codes->scale[KeyAt(block, j)];
    std::fill(key_scale_ + block.size, key_scale_ + kKeys, 0.0F);
  }

  /// A sum of products of codes as a score in units of log2.
  template <int NV>
  HWY_INLINE void ScaleScores(const float* key_scale, int64_t keys, const float* query_scale,
                              float* HWY_RESTRICT scores) const {
    const Floats d;
    const Ints di;
    Vector unit[NV];
    Unroll<NV>([&](auto v) VIDATTN_INLINE { unit[v] = hn::LoadU(d, query_scale + v * kLanes); });
    for (int64_t j = 0; j < keys; ++j) {
      const Vector key = hn::Set(d, key_scale[j]);
      Unroll<NV>([&](auto v) VIDATTN_INLINE {
        float* s = scores + (j * NV + v) * kLanes;
        const Vector sum = hn::ConvertTo(d, hn::Load(di, reinterpret_cast<const int32_t*>(s)));
        hn::Store(hn::Mul(sum, hn::Mul(key, unit[v])), d, s);
      });
    }
  }

  static constexpr int64_t kKeys = KeyBlock::kCapacity + 16;  // whole tiles beyond the last key
  const Piece& piece_;
  const Scratch& scratch_;
  int64_t elements_;  ///< of a packed row
  Values values_;
  float query_scale_[kMaxQueries + kMaxTileQueries];
  float key_scale_[kKeys];
};

/// AVX-512 dot product. Its first factor is unsigned: queries are stored 128 higher, and sums begin
/// at -128 times the key's.
template <class Values>
class Int8DotBlock : public Int8Block<Values> {
  using Base = Int8Block<Values>;

 public:
  static constexpr int64_t kPrefetchSteps = KeyBlock::kCapacity / kTile;
  using Base::Base;

  void LoadQueries(const int64_t* queries, int64_t lane, int64_t width, float* lanes) {
    constexpr uint32_t kHigher = 0x80808080U;
    this->LoadQueryScales(queries, lane);
    const float* rows[kQuad];
    for (int64_t i = 0; i < kQuad; ++i) {
      auto* to = reinterpret_cast<uint32_t*>(this->scratch_.rows + i * this->elements_);
      const auto* from = reinterpret_cast<const uint32_t*>(this->Query(queries[i]));
      for (int64_t c = 0; c < this->elements_; ++c) to[c] = from[c] ^ kHigher;
      rows[i] = this->scratch_.rows + i * this->elements_;
    }
    TransposeIn(rows, this->elements_, width, lanes);
  }

  void LoadKeys(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j) {
      keys_[j] = this->piece_.k->row(block.rows[j], this->piece_.kv_head);
      begin_[j] = -128 * this->piece_.k_codes->sum[this->KeyAt(block, j)];
    }
    this->LoadKeyScales(block);
  }

  template <int NV>
  void Scores(const float* queries, int64_t first, const KeySpan& span, RowPrefetch& ahead,
              float* scores) const {
    for (int64_t j = span.begin; j < span.end; j += kTile, scores += kTile * NV * kLanes) {
      Sums<NV>(queries, j, scores);
      this->template ScaleScores<NV>(this->key_scale_ + j, kTile, this->query_scale_ + first,
                                     scores);
      ahead.step();
    }
  }

 private:
  /// ScoreTile() of codes.
  template <int NV>
  HWY_NOINLINE void Sums(const float* queries, int64_t first_key,
                         float* HWY_RESTRICT scores) const {
    const Floats d;
    const Ints di;
    Vector sum[kTile * NV];
    const float* key[kTile];
    Unroll<kTile>([&](auto i) VIDATTN_INLINE {
      key[i] = keys_[first_key + i];
      const Vector begin = hn::BitCast(d, hn::Set(di, begin_[first_key + i]));
      Unroll<NV>([&](auto v) VIDATTN_INLINE { sum[i * NV + v] = begin; });
    });
#pragma GCC unroll 4
    for (int64_t c = 0; c < this->elements_; ++c)
      AddOuterProduct<Int8Ops, NV, kTile>(
          queries + c * NV * kLanes, [&](auto i) VIDATTN_INLINE { return key[i][c]; }, sum);
    Unroll<kTile * NV>([&](auto i) VIDATTN_INLINE { hn::Store(sum[i], d, scores + i * kLanes); });
  }

  KeyBlock::PerKey<const float*> keys_;
  KeyBlock::PerKey<int32_t> begin_;
};

/// AMX: tiles of 16 keys by 16 queries, 64 channels per instruction.
class Int8MatrixBlock : public Int8Block<MatrixBlock> {
 public:
  static constexpr int64_t kPrefetchSteps = MatrixBlock::kPrefetchSteps;
  using Int8Block::Int8Block;

  void LoadQueries(const int64_t* queries, int64_t lane, int64_t width, float* lanes) {
    LoadQueryScales(queries, lane);
    const float* rows[kQuad];
    for (int64_t i = 0; i < kQuad; ++i) rows[i] = Query(queries[i]);
    TransposeIn(rows, elements_, width, lanes);
  }

  void LoadKeys(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size; ++j)
      std::memcpy(scratch_.keys + j * elements_, piece_.k->row(block.rows[j], piece_.kv_head),
                  elements_ * sizeof(float));
    LoadKeyScales(block);
  }

  template <int NV>
  void Scores(const float* queries, int64_t first, const KeySpan& span, RowPrefetch& ahead,
              float* scores) const {
    for (int64_t j = span.begin; j < span.end; j += 16, scores += 16 * NV * kLanes) {
      Product<Int8Tile, NV>(scratch_.keys + j * elements_, elements_, queries, elements_ / 16,
                            scores);
      ScaleScores<NV>(key_scale_ + j, 16, query_scale_ + first, scores);
      ahead.step();
    }
  }
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET == HWY_AVX3

#endif
