#include "metrics/shots/transnet/winograd.h"

#include <algorithm>
#include <array>

#include "attention/blas.h"
#include "attention/cpu/targets.h"
#include "attention/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metrics/shots/transnet/winograd.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

// The pixels that a tile reads and those that it makes, as pointers to their channels.
#ifndef VIDATTN_WINOGRAD_TILES
#define VIDATTN_WINOGRAD_TILES
namespace vidattn::winograd {
using ReadPixels = const float* [6][6];
using MadePixels = float* [4][4];
}  // namespace vidattn::winograd
#endif

HWY_BEFORE_NAMESPACE();
namespace vidattn::winograd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Six values times Bᵀ, in place.
template <class V>
HWY_INLINE void TransformSix(V& a, V& b, V& c, V& d, V& e, V& f) {
  const hn::DFromV<V> tag;
  const V two = hn::Set(tag, 2.0F), four = hn::Set(tag, 4.0F), five = hn::Set(tag, 5.0F);
  const V even = hn::NegMulAdd(four, c, e), odd = hn::NegMulAdd(four, b, d);  // e-4c, d-4b
  const V wide = hn::Sub(e, c), skew = hn::Mul(two, hn::Sub(d, b));
  const V first = hn::MulAdd(four, a, hn::NegMulAdd(five, c, e));
  f = hn::MulAdd(four, b, hn::NegMulAdd(five, d, f));
  a = first;
  b = hn::Add(even, odd);
  c = hn::Sub(even, odd);
  d = hn::Add(wide, skew);
  e = hn::Sub(wide, skew);
}

/// Six values times Aᵀ: the first four get the result.
template <class V>
HWY_INLINE void MakeFour(V& a, V& b, V& c, V& d, const V& e, const V& f) {
  const hn::DFromV<V> tag;
  const V two = hn::Set(tag, 2.0F), four = hn::Set(tag, 4.0F), eight = hn::Set(tag, 8.0F);
  const V near = hn::Add(b, c), near_odd = hn::Sub(b, c);
  const V far = hn::Add(d, e), far_odd = hn::Sub(d, e);
  a = hn::Add(a, hn::Add(near, far));
  b = hn::MulAdd(two, far_odd, near_odd);
  c = hn::MulAdd(four, far, near);
  d = hn::Add(hn::MulAdd(eight, far_odd, near_odd), f);
}

template <class D>
HWY_INLINE void ReadLanes(D tag, const ReadPixels& from, int64_t channel, float* to, int64_t step) {
  hn::Vec<D> v[6][6];
  for (int x = 0; x < 6; ++x) {
    for (int y = 0; y < 6; ++y) v[y][x] = hn::LoadU(tag, from[y][x] + channel);
    TransformSix(v[0][x], v[1][x], v[2][x], v[3][x], v[4][x], v[5][x]);
  }
  for (int y = 0; y < 6; ++y) {
    TransformSix(v[y][0], v[y][1], v[y][2], v[y][3], v[y][4], v[y][5]);
    for (int x = 0; x < 6; ++x) hn::StoreU(v[y][x], tag, to + (6 * y + x) * step + channel);
  }
}

template <class D>
HWY_INLINE void MakeLanes(D tag, const float* from, int64_t step, int64_t channel,
                          const MadePixels& to) {
  hn::Vec<D> v[6][6];
  for (int x = 0; x < 6; ++x) {
    for (int y = 0; y < 6; ++y) v[y][x] = hn::LoadU(tag, from + (6 * y + x) * step + channel);
    MakeFour(v[0][x], v[1][x], v[2][x], v[3][x], v[4][x], v[5][x]);
  }
  for (int y = 0; y < 4; ++y) {
    MakeFour(v[y][0], v[y][1], v[y][2], v[y][3], v[y][4], v[y][5]);
    for (int x = 0; x < 4; ++x) hn::StoreU(v[y][x], tag, to[y][x] + channel);
  }
}

/// A tile of pixels to its 36 sums, which lie `step` floats apart.
void ReadTile(const ReadPixels& from, int64_t channels, float* to, int64_t step) {
  const hn::ScalableTag<float> tag;
  const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
  int64_t channel = 0;
  for (; channel + lanes <= channels; channel += lanes) ReadLanes(tag, from, channel, to, step);
  for (; channel < channels; ++channel)
    ReadLanes(hn::CappedTag<float, 1>(), from, channel, to, step);
}

/// 36 products, which lie `step` floats apart, to a tile of pixels.
void MakeTile(const float* from, int64_t channels, int64_t step, const MadePixels& to) {
  const hn::ScalableTag<float> tag;
  const auto lanes = static_cast<int64_t>(hn::Lanes(tag));
  int64_t channel = 0;
  for (; channel + lanes <= channels; channel += lanes) MakeLanes(tag, from, step, channel, to);
  for (; channel < channels; ++channel)
    MakeLanes(hn::CappedTag<float, 1>(), from, step, channel, to);
}

}  // namespace vidattn::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn {
namespace winograd {
HWY_EXPORT(ReadTile);
HWY_EXPORT(MakeTile);

constexpr int64_t kPoints = 36;
constexpr int64_t kMade = 4;    // rows and columns of a tile's result
constexpr int64_t kMost = 192;  // tiles at a time: so many that weights are packed seldom

/// The frames of both sides as one picture, in which rows of zeros part them, in tiles.
class Tiles {
 public:
  Tiles(const Activations& input, Activations& output)
      : input_(input),
        output_(output),
        columns_((input.width + kMade - 1) / kMade),
        rows_((input.frames * (input.height + 1) + kMade - 1) / kMade),
        zeros_(static_cast<size_t>(input.channels)) {}

  int64_t count() const { return columns_ * rows_; }

  void read(int64_t tile, float* to, int64_t step) const {
    ReadPixels pixels;
    for (int64_t y = 0; y < 6; ++y)
      for (int64_t x = 0; x < 6; ++x) {
        const int64_t at =
            index(kMade * (tile / columns_) + y - 1, kMade * (tile % columns_) + x - 1);
        pixels[y][x] = at < 0 ? zeros_.data() : input_.values.data() + at * input_.channels;
      }
    HWY_DYNAMIC_DISPATCH(ReadTile)(pixels, input_.channels, to, step);
  }

  /// What lies outside of the frames goes to `waste`.
  void make(int64_t tile, const float* from, int64_t step, float* waste) const {
    MadePixels pixels;
    for (int64_t y = 0; y < kMade; ++y)
      for (int64_t x = 0; x < kMade; ++x) {
        const int64_t at = index(kMade * (tile / columns_) + y, kMade * (tile % columns_) + x);
        pixels[y][x] = at < 0 ? waste : output_.values.data() + at * output_.channels;
      }
    HWY_DYNAMIC_DISPATCH(MakeTile)(from, output_.channels, step, pixels);
  }

 private:
  /// Number of a pixel in memory, or -1 outside of the frames.
  int64_t index(int64_t y, int64_t x) const {
    const int64_t rows = input_.height + 1;
    const bool outside = y < 0 || y >= input_.frames * rows || y % rows == input_.height || x < 0 ||
                         x >= input_.width;
    return outside ? -1 : y * input_.width + x;
  }

  const Activations& input_;
  Activations& output_;
  int64_t columns_, rows_;
  std::vector<float> zeros_;
};

/// G times three weights.
std::array<double, 6> spread(double a, double b, double c) {
  return {
      a / 4, -(a + b + c) / 6, -(a - b + c) / 6, a / 24 + b / 12 + c / 6, a / 24 - b / 12 + c / 6,
      c};
}

}  // namespace winograd

WinogradConvolution::WinogradConvolution(const float* weights, int64_t out, int64_t in)
    : out_(out), in_(in), weights_(static_cast<size_t>(winograd::kPoints * out * in)) {
  for (int64_t i = 0; i < out * in; ++i) {
    const float* w = weights + 9 * i;
    std::array<std::array<double, 6>, 3> rows;
    for (size_t y = 0; y < 3; ++y) rows[y] = winograd::spread(w[3 * y], w[3 * y + 1], w[3 * y + 2]);
    for (size_t x = 0; x < 6; ++x) {
      const auto column = winograd::spread(rows[0][x], rows[1][x], rows[2][x]);
      for (size_t y = 0; y < 6; ++y)
        weights_[(6 * y + x) * static_cast<size_t>(out * in) + static_cast<size_t>(i)] =
            static_cast<float>(column[y]);
    }
  }
}

void WinogradConvolution::run(const Activations& input, Activations& output) const {
  using winograd::kMost, winograd::kPoints;
  output.reshape(input.frames, input.height, input.width, out_);
  const winograd::Tiles tiles(input, output);
  RegionErrors errors;
#pragma omp parallel
  {
    std::vector<float> sums, products, waste;
    errors.catching([&] {
      sums.resize(static_cast<size_t>(kPoints * kMost * in_));
      products.resize(static_cast<size_t>(kPoints * kMost * out_));
      waste.resize(static_cast<size_t>(out_));
    });
#pragma omp for schedule(dynamic)
    for (int64_t first = 0; first < tiles.count(); first += kMost)
      errors.catching([&] {
        const int64_t count = std::min(kMost, tiles.count() - first);
        for (int64_t i = 0; i < count; ++i)
          tiles.read(first + i, sums.data() + i * in_, kMost * in_);
        for (int64_t point = 0; point < kPoints; ++point)
          gemm_nt(count, out_, in_, sums.data() + point * kMost * in_, in_,
                  weights_.data() + point * out_ * in_, in_, products.data() + point * kMost * out_,
                  out_);
        for (int64_t i = 0; i < count; ++i)
          tiles.make(first + i, products.data() + i * out_, kMost * out_, waste.data());
      });
  }
  errors.rethrow();
}

}  // namespace vidattn
#endif
