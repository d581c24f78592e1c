#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "attention/grid.h"
#include "attention/tensor.h"

namespace vidattn {

struct QkvOptions {
  int64_t heads = 2;
  int64_t dim = 128;  ///< of a head, a multiple of 8
  uint64_t seed = 1;  ///< of the projections
  /// Share of the attention mass that the strongest 5% of the keys carry, averaged over heads and
  /// sampled queries: softmax is made exactly this peaked. 0 = kDefaultPeak.
  double peak = 0;
  double sharpness = 0;  ///< 0 = calibrated to `peak`
  /// Of the tokens these alone are returned; what is calibrated looks at all. end < 0 = all.
  int64_t begin = 0, end = -1;
};

/// A choice, not a measurement of a model: 5% of the keys carrying 80% of the mass is where sparse
/// attention can pay off and a wrong choice of keys still shows.
constexpr double kDefaultPeak = 0.8;
/// The share of keys that counts as strongest.
constexpr double kPeakKeys = 0.05;

/// Query, key and value tensors, float32 [L,H,D] (or of the tokens that were asked for), with what
/// was calibrated.
struct Qkv {
  std::shared_ptr<Tensor> q, k, v;
  double sharpness = 1;           ///< factor on q that was found by bisection
  double peak = 0;                ///< measured with it, over all heads
  std::vector<double> head_peak;  ///< per head
};

/// Queries, keys and values from features, a stand-in for what a trained DiT's layer would compute:
/// real content and motion, but fixed random projections. For every head h
///   x    = hidden * gain_h          gains exp(0.5 N(0,1)) per channel: what this head looks at
///   k    = rope(rms(x A_h)),   v = hidden B_h
///   q    = rope(rms(x (cos(a_h) A_h + sin(a_h) C_h))) * sharpness
/// with A, B, C random orthogonal projections and a_h uniform in [0, 0.8]: queries look for what
/// resembles them (small a_h) or for something related to it. RMS norm without weight is per head
/// (Wan norms all heads' channels together), the rotary embedding is Wan's. The softmax scale is
/// 1/sqrt(D).
/// `hidden` is [L,channels], L = grid.video_tokens(). Throws InputError for heads or a dim that are
/// not usable, and for a peak that is outside (0.05, 1) or that the features cannot reach.
Qkv synthesize_qkv(const std::vector<float>& hidden, int64_t channels, const VideoGrid& grid,
                   const QkvOptions& options);

/// Throws InputError as synthesize_qkv() does, before any work.
void check_qkv_options(const QkvOptions& options);

/// rows x columns slice of a random orthogonal matrix (Haar measure: QR of a Gaussian): orthonormal
/// rows when rows <= columns, else orthonormal columns.
Eigen::MatrixXf random_orthogonal(int64_t rows, int64_t columns, uint64_t seed, uint64_t stream);

/// Wan's 3-D rotary position embedding (wan/modules/model.py, rope_apply): of a head's D channels
/// the first D-4(D/6) turn with t, the next 2(D/6) with y, the last 2(D/6) with x, in interleaved
/// pairs (2i, 2i+1), by the angle position * 10000^(-2i/n), n channels of the axis.
class Rope {
 public:
  Rope(const VideoGrid& grid, int64_t dim);
  /// Turns one head's `dim` channels in place.
  void apply(int64_t token, float* channels) const;

 private:
  using Turns = std::vector<std::pair<float, float>>;  ///< cos, sin: [positions, pairs]
  VideoGrid grid_;
  int64_t pairs_[3];
  Turns turns_[3];
};

/// Share of the softmax mass on the strongest 5% of the keys (at least one), mean over `rows`
/// queries spread evenly over the tokens, per head, with q multiplied by `sharpness`.
class PeakMeter {
 public:
  explicit PeakMeter(int64_t rows) : rows_(rows) {}
  PeakMeter(const Tensor& q, const Tensor& k, int64_t rows) : PeakMeter(rows) { add(q, k); }
  /// The tensors' heads, [L,H,D], of as many tokens as those before.
  void add(const Tensor& q, const Tensor& k);
  std::vector<double> measure(double sharpness) const;

 private:
  int64_t rows_, top_ = 1;
  /// Per head [L, rows]: scores less their maximum, the strongest keys first.
  std::vector<Eigen::MatrixXf> scores_;
};

}  // namespace vidattn
