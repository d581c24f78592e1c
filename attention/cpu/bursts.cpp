#include "attention/cpu/bursts.h"

#include <algorithm>

#include "attention/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/bursts.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

// After foreach_target.h, because these are compiled once per target.
#include "attention/cpu/exp2-inl.h"
#include "attention/cpu/tile-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One key tile's scores for three vectors of queries, all operands in the nearest cache.
double FedMultiplyAdds(int64_t rounds, float* sink) {
  constexpr int64_t kDim = 128, kWidth = kTileWidth;
  HWY_ALIGN float queries[kDim * kWidth], scores[kTile * kWidth], keys[kTile * kDim];
  std::fill_n(scores, kTile * kWidth, 0.0F);
  std::fill_n(queries, kDim * kWidth, 0.01F);
  std::fill_n(keys, kTile * kDim, 0.02F);
  const float* rows[kTile];
  for (int i = 0; i < kTile; ++i) rows[i] = keys + i * kDim;
  const int64_t tiles = rounds * 12 / (kDim * kTile * kMaxVectors) + 1;  // as much work as below
  for (int64_t i = 0; i < tiles; ++i) {
    ScoreTile<FloatOps, kMaxVectors>(queries, kDim, rows, scores);
    asm volatile("" ::: "memory");  // or equal rounds would be computed once
  }
  *sink = scores[0];
  return 2.0 * static_cast<double>(kDim * kTile * kWidth * tiles);
}

// The same products of three vectors of queries and four keys, written out. The sums fit the 16
// registers of AVX2 beside the operands.
double FedProducts(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  constexpr int64_t kDim = 128;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float queries[kDim * 3 * HWY_MAX_BYTES / sizeof(float)], keys[kDim * 4];
  std::fill_n(queries, kDim * 3 * n, 0.01F);
  std::fill_n(keys, kDim * 4, 0.02F);
  float total = 0;
  for (int64_t i = 0; i < rounds; ++i) {
    auto a0 = hn::Zero(d), a1 = a0, a2 = a0, b0 = a0, b1 = a0, b2 = a0;
    auto c0 = a0, c1 = a0, c2 = a0, d0 = a0, d1 = a0, d2 = a0;
    for (int64_t j = 0; j < kDim; ++j) {
      const float* q = queries + 3 * n * j;
      const auto x = hn::Load(d, q), y = hn::Load(d, q + n), z = hn::Load(d, q + 2 * n);
      auto k = hn::Set(d, keys[4 * j]);
      a0 = hn::MulAdd(k, x, a0), a1 = hn::MulAdd(k, y, a1), a2 = hn::MulAdd(k, z, a2);
      k = hn::Set(d, keys[4 * j + 1]);
      b0 = hn::MulAdd(k, x, b0), b1 = hn::MulAdd(k, y, b1), b2 = hn::MulAdd(k, z, b2);
      k = hn::Set(d, keys[4 * j + 2]);
      c0 = hn::MulAdd(k, x, c0), c1 = hn::MulAdd(k, y, c1), c2 = hn::MulAdd(k, z, c2);
      k = hn::Set(d, keys[4 * j + 3]);
      d0 = hn::MulAdd(k, x, d0), d1 = hn::MulAdd(k, y, d1), d2 = hn::MulAdd(k, z, d2);
    }
    const auto sums = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, b0)),
                              hn::Add(hn::Add(b1, b2), hn::Add(c0, c1)));
    total += hn::GetLane(hn::Add(sums, hn::Add(hn::Add(c2, d0), hn::Add(d1, d2))));
    asm volatile("" ::: "memory");  // or equal rounds would be computed once
  }
  *sink = total;
  return 2.0 * static_cast<double>(kDim * 12 * n * rounds);
}

// Independent chains: enough to hide the latency of two units of 4 cycles, few enough for the 16
// registers of AVX2. Named one by one, because only that surely keeps them in registers, and with
// different values, because equal chains would be merged.
double MultiplyAdds(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, 0.999F), y = hn::Set(d, 0.001F);
  auto a0 = hn::Iota(d, 0.F), a1 = hn::Iota(d, 1.F), a2 = hn::Iota(d, 2.F), a3 = hn::Iota(d, 3.F);
  auto a4 = hn::Iota(d, 4.F), a5 = hn::Iota(d, 5.F), a6 = hn::Iota(d, 6.F), a7 = hn::Iota(d, 7.F);
  auto a8 = hn::Iota(d, 8.F), a9 = hn::Iota(d, 9.F), a10 = hn::Iota(d, 10.F),
       a11 = hn::Iota(d, 11.F);
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, x, y), a1 = hn::MulAdd(a1, x, y), a2 = hn::MulAdd(a2, x, y);
    a3 = hn::MulAdd(a3, x, y), a4 = hn::MulAdd(a4, x, y), a5 = hn::MulAdd(a5, x, y);
    a6 = hn::MulAdd(a6, x, y), a7 = hn::MulAdd(a7, x, y), a8 = hn::MulAdd(a8, x, y);
    a9 = hn::MulAdd(a9, x, y), a10 = hn::MulAdd(a10, x, y), a11 = hn::MulAdd(a11, x, y);
  }
  const auto s0 = hn::Add(hn::Add(a0, a1), hn::Add(a2, a3));
  const auto s1 = hn::Add(hn::Add(a4, a5), hn::Add(a6, a7));
  const auto s2 = hn::Add(hn::Add(a8, a9), hn::Add(a10, a11));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, hn::Add(s1, s2))));
  return 2.0 * 12 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// Independent chains, named one by one, because only that surely keeps them in registers.
double Exponentials(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  constexpr int kChains = 4;
  const auto highest = hn::Set(d, 0.5F), step = hn::Set(d, 1e-4F);
  auto x0 = hn::Iota(d, -20.F), x1 = hn::Iota(d, -21.F), x2 = hn::Iota(d, -22.F),
       x3 = hn::Iota(d, -23.F);
  auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = hn::Add(a0, Exp2(d, hn::Sub(x0, highest)));
    a1 = hn::Add(a1, Exp2(d, hn::Sub(x1, highest)));
    a2 = hn::Add(a2, Exp2(d, hn::Sub(x2, highest)));
    a3 = hn::Add(a3, Exp2(d, hn::Sub(x3, highest)));
    x0 = hn::Add(x0, step), x1 = hn::Add(x1, step);
    x2 = hn::Add(x2, step), x3 = hn::Add(x3, step);
  }
  *sink = hn::GetLane(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)));
  return static_cast<double>(kChains * rounds) * static_cast<double>(hn::Lanes(d));
}

double Reads(const float* from, int64_t count, float* sink) {
  const hn::ScalableTag<float> d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
  for (int64_t i = 0; i + 4 * n <= count; i += 4 * n) {
    a0 = hn::Add(a0, hn::LoadU(d, from + i));
    a1 = hn::Add(a1, hn::LoadU(d, from + i + n));
    a2 = hn::Add(a2, hn::LoadU(d, from + i + 2 * n));
    a3 = hn::Add(a3, hn::LoadU(d, from + i + 3 * n));
  }
  *sink = hn::GetLane(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)));
  return static_cast<double>(count / (4 * n) * 4 * n) * sizeof(float);
}

int64_t QueriesOfTile() { return kTileWidth; }

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vidattn::cpu {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(FedMultiplyAdds);
HWY_EXPORT(FedProducts);
HWY_EXPORT(Exponentials);
HWY_EXPORT(Reads);
HWY_EXPORT(QueriesOfTile);

double multiply_adds(int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(MultiplyAdds)(rounds, sink);
}
double fed_multiply_adds(int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(FedMultiplyAdds)(rounds, sink);
}
double fed_products(int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(FedProducts)(rounds, sink);
}
double exponentials(int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(Exponentials)(rounds, sink);
}
double reads(const float* from, int64_t count, float* sink) {
  return HWY_DYNAMIC_DISPATCH(Reads)(from, count, sink);
}
int64_t query_tile() { return HWY_DYNAMIC_DISPATCH(QueriesOfTile)(); }

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) double bf16_dot_products(int64_t rounds,
                                                                       float* sink) {
  const __m512i bits = _mm512_set1_epi32(0x3c003c00);  // pairs of 2^-7
  const auto x = reinterpret_cast<__m512bh>(bits);
  __m512 a0 = _mm512_set1_ps(0), a1 = _mm512_set1_ps(1), a2 = _mm512_set1_ps(2);
  __m512 a3 = _mm512_set1_ps(3), a4 = _mm512_set1_ps(4), a5 = _mm512_set1_ps(5);
  __m512 a6 = _mm512_set1_ps(6), a7 = _mm512_set1_ps(7), a8 = _mm512_set1_ps(8);
  __m512 a9 = _mm512_set1_ps(9), a10 = _mm512_set1_ps(10), a11 = _mm512_set1_ps(11);
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = _mm512_dpbf16_ps(a0, x, x), a1 = _mm512_dpbf16_ps(a1, x, x);
    a2 = _mm512_dpbf16_ps(a2, x, x), a3 = _mm512_dpbf16_ps(a3, x, x);
    a4 = _mm512_dpbf16_ps(a4, x, x), a5 = _mm512_dpbf16_ps(a5, x, x);
    a6 = _mm512_dpbf16_ps(a6, x, x), a7 = _mm512_dpbf16_ps(a7, x, x);
    a8 = _mm512_dpbf16_ps(a8, x, x), a9 = _mm512_dpbf16_ps(a9, x, x);
    a10 = _mm512_dpbf16_ps(a10, x, x), a11 = _mm512_dpbf16_ps(a11, x, x);
  }
  const __m512 s0 = (a0 + a1) + (a2 + a3), s1 = (a4 + a5) + (a6 + a7), s2 = (a8 + a9) + (a10 + a11);
  *sink = _mm512_reduce_add_ps(s0 + s1 + s2);
  return 4.0 * 12 * 16 * static_cast<double>(rounds);
}

__attribute__((target("avx512f,avx512vnni"))) double int8_dot_products(int64_t rounds,
                                                                       float* sink) {
  const __m512i x = _mm512_set1_epi8(1);
  __m512i a0 = x, a1 = _mm512_set1_epi8(2), a2 = _mm512_set1_epi8(3), a3 = _mm512_set1_epi8(4);
  __m512i a4 = _mm512_set1_epi8(5), a5 = _mm512_set1_epi8(6), a6 = _mm512_set1_epi8(7);
  __m512i a7 = _mm512_set1_epi8(8), a8 = _mm512_set1_epi8(9), a9 = _mm512_set1_epi8(10);
  __m512i a10 = _mm512_set1_epi8(11), a11 = _mm512_set1_epi8(12);
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = _mm512_dpbusd_epi32(a0, x, x), a1 = _mm512_dpbusd_epi32(a1, x, x);
    a2 = _mm512_dpbusd_epi32(a2, x, x), a3 = _mm512_dpbusd_epi32(a3, x, x);
    a4 = _mm512_dpbusd_epi32(a4, x, x), a5 = _mm512_dpbusd_epi32(a5, x, x);
    a6 = _mm512_dpbusd_epi32(a6, x, x), a7 = _mm512_dpbusd_epi32(a7, x, x);
    a8 = _mm512_dpbusd_epi32(a8, x, x), a9 = _mm512_dpbusd_epi32(a9, x, x);
    a10 = _mm512_dpbusd_epi32(a10, x, x), a11 = _mm512_dpbusd_epi32(a11, x, x);
    asm volatile("" : "+v"(a0), "+v"(a1), "+v"(a2), "+v"(a3), "+v"(a4), "+v"(a5));
    asm volatile("" : "+v"(a6), "+v"(a7), "+v"(a8), "+v"(a9), "+v"(a10), "+v"(a11));
  }
  const __m512i s = (a0 ^ a1) ^ (a2 ^ a3) ^ (a4 ^ a5) ^ (a6 ^ a7) ^ (a8 ^ a9) ^ (a10 ^ a11);
  *sink = static_cast<float>(_mm512_reduce_add_epi32(s));
  return 8.0 * 12 * 16 * static_cast<double>(rounds);
}

// Six products of 16x16 sums each: the tile unit takes one every 16 cycles. Written out, because
// g++ 12's tile intrinsics cannot be kept in registers across a loop.
struct Bf16TileProducts {
  static constexpr int kChannels = 32;
  [[gnu::always_inline]] static void six() {
    asm volatile(
        "tdpbf16ps %tmm7, %tmm6, %tmm0\n\ttdpbf16ps %tmm7, %tmm6, %tmm1\n\t"
        "tdpbf16ps %tmm7, %tmm6, %tmm2\n\ttdpbf16ps %tmm7, %tmm6, %tmm3\n\t"
        "tdpbf16ps %tmm7, %tmm6, %tmm4\n\ttdpbf16ps %tmm7, %tmm6, %tmm5");
  }
};
struct Int8TileProducts {
  static constexpr int kChannels = 64;
  [[gnu::always_inline]] static void six() {
    asm volatile(
        "tdpbssd %tmm7, %tmm6, %tmm0\n\ttdpbssd %tmm7, %tmm6, %tmm1\n\t"
        "tdpbssd %tmm7, %tmm6, %tmm2\n\ttdpbssd %tmm7, %tmm6, %tmm3\n\t"
        "tdpbssd %tmm7, %tmm6, %tmm4\n\ttdpbssd %tmm7, %tmm6, %tmm5");
  }
};

template <class Products>
double tile_products(int64_t rounds, float* sink) {
  struct alignas(64) {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } const config;
  alignas(64) float sums[16 * 16];
  constexpr int64_t kRowBytes = 64, kSlower = 8;  // rounds take longer: keep a burst about as long
  asm volatile(
      "ldtilecfg %0\n\ttilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\t"
      "tilezero %%tmm3\n\ttilezero %%tmm4\n\ttilezero %%tmm5\n\ttilezero %%tmm6\n\t"
      "tilezero %%tmm7" ::"m"(config));
  for (int64_t i = 0; i < rounds / kSlower; ++i) Products::six();
  asm volatile("tilestored %%tmm0, (%0,%1,1)\n\ttilerelease" ::"r"(sums), "r"(kRowBytes)
               : "memory");
  *sink = sums[0];
  return 6.0 * 2 * 16 * 16 * Products::kChannels * static_cast<double>(rounds / kSlower);
}

double bf16_tile_products(int64_t rounds, float* sink) {
  return tile_products<Bf16TileProducts>(rounds, sink);
}
double int8_tile_products(int64_t rounds, float* sink) {
  return tile_products<Int8TileProducts>(rounds, sink);
}
#else
double bf16_dot_products(int64_t /*rounds*/, float* /*sink*/) { return 0; }
double bf16_tile_products(int64_t /*rounds*/, float* /*sink*/) { return 0; }
double int8_dot_products(int64_t /*rounds*/, float* /*sink*/) { return 0; }
double int8_tile_products(int64_t /*rounds*/, float* /*sink*/) { return 0; }
#endif

}  // namespace vidattn::cpu
#endif
