#include "harness/workloads/qkv.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "attention/error.h"
#include "attention/parallel.h"
#include "harness/host/random.h"

namespace vidattn {
namespace {

using Eigen::Index;
using Eigen::MatrixXf;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int64_t kCalibrationRows = 32;                        // per head
constexpr double kLeastSharpness = 1e-3, kMostSharpness = 1e3;  // bracket of the bisection

/// What a head projects with, [channels, D] each; the gains are folded in.
struct HeadWeights {
  MatrixXf q, k, v;
};

HeadWeights make_weights(int64_t channels, const QkvOptions& options, int64_t head) {
  const auto stream = [&](uint64_t part) { return static_cast<uint64_t>(head) * 8 + part; };
  const auto orthogonal = [&](uint64_t part) -> MatrixXf {
    return random_orthogonal(options.dim, channels, options.seed, stream(part)).transpose();
  };
  Random random(options.seed, stream(3));
  const double angle = random.uniform(0, 0.8);
  Eigen::VectorXf gains(channels);
  for (float& gain : gains) gain = static_cast<float>(std::exp(0.5 * random.normal()));
  const MatrixXf key = orthogonal(0);
  const MatrixXf query = static_cast<float>(std::cos(angle)) * key +
                         static_cast<float>(std::sin(angle)) * orthogonal(1);
  return {gains.asDiagonal() * query, gains.asDiagonal() * key, orthogonal(2)};
}

void rms_norm(Eigen::Ref<RowMajor> rows) {
  constexpr float kEpsilon = 1e-6f;  // Wan's
  for (Index i = 0; i < rows.rows(); ++i)
    rows.row(i) /=
        std::sqrt(rows.row(i).squaredNorm() / static_cast<float>(rows.cols()) + kEpsilon);
}

/// Writes [n, D] rows of the only head to tokens first, first + 1, ...
void store(const RowMajor& rows, int64_t first, Tensor& out) {
  for (Index i = 0; i < rows.rows(); ++i)
    std::copy_n(rows.row(i).data(), rows.cols(), out.row(first + i, 0));
}

/// The wanted tokens of a head, [L,1,D], as head `head` of what is returned.
void keep(const Tensor& of, int64_t begin, int64_t head, Tensor& out) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < out.length(); ++i)
    std::copy_n(of.row(begin + i, 0), of.dim(), out.row(i, head));
}

/// One head's tensors, [L,1,D].
void project(const std::vector<float>& hidden, int64_t channels, const Rope& rope,
             const HeadWeights& weights, Qkv& out) {
  constexpr int64_t kRows = 256;  // tokens per step: projections and hidden rows stay in cache
  const int64_t length = out.q->length(), dim = out.q->dim();
  const auto project_rows = [&](int64_t first) {
    const int64_t n = std::min(kRows, length - first);
    const Eigen::Map<const RowMajor> x(hidden.data() + first * channels, n, channels);
    RowMajor q = x * weights.q, k = x * weights.k;
    const RowMajor v = x * weights.v;
    rms_norm(q);
    rms_norm(k);
    for (int64_t i = 0; i < n; ++i) {
      rope.apply(first + i, q.data() + i * dim);
      rope.apply(first + i, k.data() + i * dim);
    }
    store(q, first, *out.q);
    store(k, first, *out.k);
    store(v, first, *out.v);
  };
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (int64_t first = 0; first < length; first += kRows)
    errors.catching([&] { project_rows(first); });
  errors.rethrow();
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string short_number(double value) {
  std::string text = std::to_string(value);
  return text.substr(0, text.find('.') + 4);
}

/// The mass of the strongest keys grows with sharpness, so bisection finds the factor.
double find_sharpness(const PeakMeter& meter, double peak) {
  double low = std::log(kLeastSharpness), high = std::log(kMostSharpness);
  const double most = mean(meter.measure(kMostSharpness));
  if (most < peak)
    throw InputError("peak " + short_number(peak) + " cannot be reached, at most " +
                     short_number(most) + ": too much of the video is alike");
  constexpr int kSteps = 26;  // 14 / 2^26 = 2e-7 of the factor
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (low + high) / 2;
    (mean(meter.measure(std::exp(middle))) < peak ? low : high) = middle;
  }
  return std::exp(high);
}

}  // namespace

MatrixXf random_orthogonal(int64_t rows, int64_t columns, uint64_t seed, uint64_t stream) {
  const Index tall = std::max(rows, columns), thin = std::min(rows, columns);
  Random random(seed, 0x0a7b0000 + stream);
  Eigen::MatrixXd gaussian(tall, thin);
  for (double& value : gaussian.reshaped()) value = random.normal();
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(gaussian);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(tall, thin);
  // Householder QR fixes the signs of R's diagonal arbitrarily; this makes the measure uniform.
  for (Index i = 0; i < thin; ++i)
    if (qr.matrixQR()(i, i) < 0) q.col(i) = -q.col(i);
  return (rows <= columns ? Eigen::MatrixXd(q.transpose()) : q).cast<float>();
}

Rope::Rope(const VideoGrid& grid, int64_t dim) : grid_(grid) {
  constexpr double kTheta = 10000;
  const int64_t positions[3] = {grid.frames, grid.height, grid.width};
  const int64_t channels[3] = {dim - 4 * (dim / 6), 2 * (dim / 6), 2 * (dim / 6)};
  for (int axis = 0; axis < 3; ++axis) {
    pairs_[axis] = channels[axis] / 2;
    for (int64_t p = 0; p < positions[axis]; ++p)
      for (int64_t i = 0; i < pairs_[axis]; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(channels[axis]);
        const double angle = static_cast<double>(p) * std::pow(kTheta, exponent);
        turns_[axis].emplace_back(static_cast<float>(std::cos(angle)),
                                  static_cast<float>(std::sin(angle)));
      }
  }
}

void Rope::apply(int64_t token, float* channels) const {
  const int64_t position[3] = {token / grid_.frame_size(), token % grid_.frame_size() / grid_.width,
                               token % grid_.width};
  for (int axis = 0; axis < 3; ++axis) {
    const auto* turn = turns_[axis].data() + position[axis] * pairs_[axis];
    for (int64_t i = 0; i < pairs_[axis]; ++i, channels += 2) {
      const auto [c, s] = turn[i];
      const float a = channels[0], b = channels[1];
      channels[0] = a * c - b * s;
      channels[1] = a * s + b * c;
    }
  }
}

void PeakMeter::add(const Tensor& q, const Tensor& k) {
  const int64_t length = q.length(), heads = q.heads(), dim = q.dim();
  const int64_t rows = std::min(rows_, length);
  top_ = static_cast<int64_t>(std::ceil(kPeakKeys * static_cast<double>(length)));
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(dim)));
  for (int64_t head = 0; head < heads; ++head) {
    const Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>> keys(
        k.row(0, head), length, dim, Eigen::OuterStride<>(heads * dim));
    MatrixXf queries(dim, rows);
    for (int64_t r = 0; r < rows; ++r)
      queries.col(r) = scale * Eigen::Map<const Eigen::VectorXf>(
                                   q.row((2 * r + 1) * length / (2 * rows), head), dim);
    MatrixXf& scores = scores_.emplace_back(keys * queries);
#pragma omp parallel for
    for (int64_t r = 0; r < rows; ++r) {
      float* column = scores.col(r).data();
      std::nth_element(column, column + top_ - 1, column + length, std::greater<>());
      scores.col(r).array() -= scores.col(r).head(top_).maxCoeff();
    }
  }
}

std::vector<double> PeakMeter::measure(double sharpness) const {
  const auto factor = static_cast<float>(sharpness);
  std::vector<double> peaks;
  for (const MatrixXf& scores : scores_) {
    std::vector<double> shares(static_cast<size_t>(scores.cols()));
#pragma omp parallel for
    for (Index r = 0; r < scores.cols(); ++r) {
      const auto scaled = scores.col(r).array() * factor;
      const double strongest = scaled.head(top_).exp().sum();
      const double others = scaled.tail(scores.rows() - top_).exp().sum();
      shares[r] = strongest / (strongest + others);
    }
    peaks.push_back(mean(shares));
  }
  return peaks;
}

void check_qkv_options(const QkvOptions& options) {
  if (options.heads < 1)
    throw InputError("heads " + std::to_string(options.heads) + " must be at least 1");
  if (options.dim < 8 || options.dim % 8 != 0)
    throw InputError("dim " + std::to_string(options.dim) + " must be a positive multiple of 8");
  if (options.peak != 0 && !(options.peak > kPeakKeys && options.peak < 1))
    throw InputError("peak " + short_number(options.peak) + " must lie between " +
                     short_number(kPeakKeys) +
                     " (uniform attention) and 1: the mass on the strongest 5% of the keys");
}

Qkv synthesize_qkv(const std::vector<float>& hidden, int64_t channels, const VideoGrid& grid,
                   const QkvOptions& options) {
  check_qkv_options(options);
  const int64_t length = grid.video_tokens();
  const int64_t end = options.end < 0 ? length : options.end;
  const auto tensors = [&](int64_t tokens, int64_t heads) {
    const auto one = [&] { return std::make_shared<Tensor>(tokens, heads, options.dim); };
    return Qkv{one(), one(), one()};
  };
  Qkv out = tensors(end - options.begin, options.heads), of_head = tensors(length, 1);
  const Rope rope(grid, options.dim);
  PeakMeter meter(kCalibrationRows);
  for (int64_t head = 0; head < options.heads; ++head) {
    project(hidden, channels, rope, make_weights(channels, options, head), of_head);
    meter.add(*of_head.q, *of_head.k);
    keep(*of_head.q, options.begin, head, *out.q);
    keep(*of_head.k, options.begin, head, *out.k);
    keep(*of_head.v, options.begin, head, *out.v);
  }
  out.sharpness = options.sharpness;
  if (out.sharpness == 0)
    out.sharpness = find_sharpness(meter, options.peak == 0 ? kDefaultPeak : options.peak);
  out.head_peak = meter.measure(out.sharpness);
  out.peak = mean(out.head_peak);
  Eigen::Map<Eigen::ArrayXf>(out.q->data<float>(), out.q->size()) *=
      static_cast<float>(out.sharpness);
  return out;
}

}  // namespace vidattn
