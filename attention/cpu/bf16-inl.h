// The units of x86 that multiply bfloat16 and add in float32: AVX-512's dot product (vdpbf16ps) and
// AMX's matrix product (tdpbf16ps). Highway 1.0.3 has neither, so they are written in assembly,
// which also keeps them out of the compiler's target flags. Both take pairs of bfloat16 in 32-bit
// elements: two channels for the scores, two keys for the values.

#if defined(VIDATTN_CPU_BF16_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_BF16_INL_H
#undef VIDATTN_CPU_BF16_INL_H
#else
#define VIDATTN_CPU_BF16_INL_H
#endif

#include <cstring>

#include "attention/cpu/block-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A bfloat16 pair per lane.
struct PairOps {
  static HWY_INLINE Vector MulAdd(Vector a, Vector b, Vector sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return sum;
  }
};

/// Rounds non-negative weights of keys 2j and 2j+1 to bfloat16 (ties up) and stores them as pairs
/// in row j, in place. Weights of 0 fill `size` up to a multiple of `step`. Gives the number of
/// rows.
template <int NV>
HWY_INLINE int64_t PackWeights(float* weights, int64_t size, int64_t step) {
  constexpr int64_t kWidth = NV * kLanes;
  const hn::RebindToUnsigned<Floats> du;
  const auto half = hn::Set(du, 0x8000U), high = hn::Set(du, 0xffff0000U);
  const int64_t padded = (size + step - 1) / step * step;
  std::fill(weights + size * kWidth, weights + padded * kWidth, 0.0F);
  auto* bits = reinterpret_cast<uint32_t*>(weights);
  for (int64_t j = 0; j < padded / 2; ++j)
    for (int64_t v = 0; v < kWidth; v += kLanes) {
      const auto even = hn::Add(hn::Load(du, bits + 2 * j * kWidth + v), half);
      const auto odd = hn::Add(hn::Load(du, bits + (2 * j + 1) * kWidth + v), half);
      hn::Store(hn::Or(hn::ShiftRight<16>(even), hn::And(odd, high)), du, bits + j * kWidth + v);
    }
  return padded / 2;
}

/// A row of bfloat16, as pairs of channels.
HWY_INLINE const float* PairRow(const Tensor& t, int64_t row, int64_t head) {
  return reinterpret_cast<const float*>(t.data<BFloat16>() + t.offset(row, head));
}

/// pairs[channel] of two rows of bfloat16; null counts as 0, both or the second. dim % 16 == 0.
HWY_INLINE void InterleaveRows(const float* even, const float* odd, int64_t dim, float* pairs) {
  const hn::RebindToUnsigned<Floats> du;
  const hn::Rebind<uint16_t, decltype(du)> dh;
  if (even == nullptr) {
    std::fill_n(pairs, dim, 0.0F);
    return;
  }
  const auto* low_row = reinterpret_cast<const uint16_t*>(even);
  const auto* high_row = reinterpret_cast<const uint16_t*>(odd == nullptr ? even : odd);
  const auto mask = hn::Set(du, odd == nullptr ? 0U : 0xffff0000U);
  for (int64_t c = 0; c < dim; c += kLanes) {
    const auto low = hn::PromoteTo(du, hn::LoadU(dh, low_row + c));
    const auto high = hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, high_row + c)));
    hn::Store(hn::Or(low, hn::And(high, mask)), du, reinterpret_cast<uint32_t*>(pairs + c));
  }
}

/// What both units share: queries and keys as they are stored, values of two keys interleaved.
class PairBlock {
 public:
  PairBlock(const Piece& piece, const Scratch& scratch)
      : piece_(piece), scratch_(scratch), dim_(piece.q->dim()), value_dim_(piece.v->dim()) {}

  float score_scale() const { return piece_.scale; }

  void LoadQueries(const int64_t* queries, int64_t /*lane*/, int64_t width, float* lanes) const {
    const float* rows[kQuad];
    for (int64_t i = 0; i < kQuad; ++i)
      rows[i] = PairRow(*piece_.q, piece_.rows[queries[i]], piece_.head);
    TransposeIn(rows, dim_ / 2, width, lanes);
  }

 protected:
  /// pairs[channel] of keys j and j+1; keys behind the block count as 0.
  void InterleaveValues(const KeyBlock& block, int64_t j, float* pairs) const {
    const auto row = [&](int64_t key) {
      return key < block.size ? PairRow(*piece_.v, block.rows[key], piece_.kv_head) : nullptr;
    };
    InterleaveRows(row(j), row(j + 1), value_dim_, pairs);
  }

  const Piece& piece_;
  const Scratch& scratch_;
  int64_t dim_, value_dim_;
};

/// AVX-512 dot product: the register tiles of float32 with half the steps.
class DotBlock : public PairBlock {
 public:
  static constexpr int64_t kKeyStep = 2;
  static constexpr int64_t kPrefetchSteps = KeyBlock::kCapacity / kTile;
  using PairBlock::PairBlock;

  void LoadKeys(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j)
      keys_[j] = PairRow(*piece_.k, block.rows[j], piece_.kv_head);
  }
  void LoadValues(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size; j += 2) {
      values_[j / 2] = scratch_.values + j / 2 * value_dim_;
      InterleaveValues(block, j, scratch_.values + j / 2 * value_dim_);
    }
  }

  template <int NV>
  void Scores(const float* queries, int64_t /*first*/, const KeySpan& span, RowPrefetch& ahead,
              float* scores) const {
    for (int64_t j = span.begin; j < span.end; j += kTile, scores += kTile * NV * kLanes) {
      ScoreTile<PairOps, NV>(queries, dim_ / 2, keys_.data() + j, scores);
      ahead.step();
    }
  }

  template <int NV>
  void AddValues(float* weights, const KeySpan& span, const float* factor, float* acc) const {
    const int64_t pairs = PackWeights<NV>(weights, span.end - span.begin, kKeyStep);
    const float* const* values = values_.data() + span.begin / 2;
    for (int64_t c = 0; c < value_dim_; c += kTile)
      ValueTile<PairOps, NV, kTile>(weights, pairs, values, c, factor, acc + c * NV * kLanes);
  }

 private:
  KeyBlock::PerKey<const float*> keys_, values_;
};

/// Sum 0, 1 or 2 of a Product() += keys of its first operand * queries of its second.
struct Bf16Tile {
  static HWY_INLINE void MulAdd0() { asm volatile("tdpbf16ps %tmm4, %tmm3, %tmm0"); }
  static HWY_INLINE void MulAdd1() { asm volatile("tdpbf16ps %tmm5, %tmm3, %tmm1"); }
  static HWY_INLINE void MulAdd2() { asm volatile("tdpbf16ps %tmm6, %tmm3, %tmm2"); }
};

/// out[16][NV*16] = a[16][16*steps] * b[16*steps][NV*16], where the elements of a and b hold what
/// the tile multiplies at once: pairs of bfloat16, four codes.
template <class Tile, int NV>
HWY_INLINE void Product(const float* a, int64_t a_stride, const float* b, int64_t steps,
                        float* out) {
  constexpr int64_t kRowBytes = NV * 64;
  const int64_t a_bytes = a_stride * 4;
  asm volatile("tilezero %tmm0\n\ttilezero %tmm1\n\ttilezero %tmm2");
  for (int64_t s = 0; s < steps; ++s, a += 16, b += 16 * NV * 16) {
    asm volatile("tileloadd (%0,%1,1), %%tmm3" ::"r"(a), "r"(a_bytes) : "memory");
    asm volatile("tileloadd (%0,%1,1), %%tmm4" ::"r"(b), "r"(kRowBytes) : "memory");
    Tile::MulAdd0();
    if constexpr (NV > 1) {
      asm volatile("tileloadd 64(%0,%1,1), %%tmm5" ::"r"(b), "r"(kRowBytes) : "memory");
      Tile::MulAdd1();
    }
    if constexpr (NV > 2) {
      asm volatile("tileloadd 128(%0,%1,1), %%tmm6" ::"r"(b), "r"(kRowBytes) : "memory");
      Tile::MulAdd2();
    }
  }
  asm volatile("tilestored %%tmm0, (%0,%1,1)" ::"r"(out), "r"(kRowBytes) : "memory");
  if constexpr (NV > 1)
    asm volatile("tilestored %%tmm1, 64(%0,%1,1)" ::"r"(out), "r"(kRowBytes) : "memory");
  if constexpr (NV > 2)
    asm volatile("tilestored %%tmm2, 128(%0,%1,1)" ::"r"(out), "r"(kRowBytes) : "memory");
}

/// AMX: tiles of 16 keys or channels by 16 queries, 32 channels or keys per instruction.
class MatrixBlock : public PairBlock {
 public:
  static constexpr int64_t kKeyStep = 32;
  static constexpr int64_t kPrefetchSteps = KeyBlock::kCapacity / 16;

  MatrixBlock(const Piece& piece, const Scratch& scratch) : PairBlock(piece, scratch) {
    struct {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~MatrixBlock() { asm volatile("tilerelease"); }
  MatrixBlock(const MatrixBlock&) = delete;
  MatrixBlock& operator=(const MatrixBlock&) = delete;

  void LoadKeys(const KeyBlock& block) {
    for (int64_t j = 0; j < block.size; ++j)
      std::memcpy(scratch_.keys + j * dim_ / 2, PairRow(*piece_.k, block.rows[j], piece_.kv_head),
                  dim_ * sizeof(BFloat16));
  }
  void LoadValues(const KeyBlock& block) {
    for (int64_t j = 0; j < static_cast<int64_t>(hwy::RoundUpTo(block.size, kKeyStep));
         j += 2 * kQuad) {
      const float* rows[kQuad];
      for (int64_t i = 0; i < kQuad; ++i) {
        InterleaveValues(block, j + 2 * i, scratch_.rows + i * value_dim_);
        rows[i] = scratch_.rows + i * value_dim_;
      }
      TransposeIn(rows, value_dim_, kPairs, scratch_.values + j / 2);
    }
  }

  template <int NV>
  void Scores(const float* queries, int64_t /*first*/, const KeySpan& span, RowPrefetch& ahead,
              float* scores) const {
    for (int64_t j = span.begin; j < span.end; j += 16, scores += 16 * NV * kLanes) {
      Product<Bf16Tile, NV>(scratch_.keys + j * dim_ / 2, dim_ / 2, queries, dim_ / 32, scores);
      ahead.step();
    }
  }

  template <int NV>
  void AddValues(float* weights, const KeySpan& span, const float* factor, float* acc) const {
    constexpr int64_t kWidth = NV * kLanes;
    const Floats d;
    const int64_t pairs = PackWeights<NV>(weights, span.end - span.begin, kKeyStep);
    HWY_ALIGN float tile[16 * kWidth];
    for (int64_t c = 0; c < value_dim_; c += 16, acc += 16 * kWidth) {
      Product<Bf16Tile, NV>(scratch_.values + c * kPairs + span.begin / 2, kPairs, weights,
                            pairs / 16, tile);
      for (int64_t i = 0; i < 16 * kWidth; i += kWidth)
        Unroll<NV>([&](auto v) VIDATTN_INLINE {
          float* to = acc + i + v * kLanes;
          hn::Store(hn::MulAdd(hn::Load(d, to), hn::Load(d, factor + v * kLanes),
                               hn::Load(d, tile + i + v * kLanes)),
                    d, to);
        });
    }
  }

 private:
  static constexpr int64_t kPairs = KeyBlock::kCapacity / 2;  ///< row of scratch_.values
};

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET == HWY_AVX3

#endif
