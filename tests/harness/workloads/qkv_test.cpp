#include "harness/workloads/qkv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "attention/error.h"
#include "harness/host/random.h"

namespace vidattn {
namespace {

std::vector<float> gaussian(int64_t size, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& v : values) v = static_cast<float>(random.normal());
  return values;
}

Qkv synthesize(const VideoGrid& grid, const QkvOptions& options, int64_t channels = 40) {
  return synthesize_qkv(gaussian(grid.video_tokens() * channels, 7), channels, grid, options);
}

/// The peak of a head over all queries, by the definition and in float64.
double plain_peak(const Tensor& q, const Tensor& k, int64_t head,
                  const std::vector<int64_t>& rows) {
  double total = 0;
  for (const int64_t i : rows) {
    std::vector<double> weights;
    for (int64_t j = 0; j < k.length(); ++j) {
      double score = 0;
      for (int64_t c = 0; c < k.dim(); ++c) score += double(q.at(i, head, c)) * k.at(j, head, c);
      weights.push_back(std::exp(score / std::sqrt(double(k.dim()))));
    }
    std::sort(weights.rbegin(), weights.rend());
    const auto top = static_cast<size_t>(std::ceil(0.05 * double(k.length())));
    double strongest = 0, all = 0;
    for (size_t j = 0; j < weights.size(); ++j) {
      all += weights[j];
      if (j < top) strongest += weights[j];
    }
    total += strongest / all;
  }
  return total / double(rows.size());
}

TEST(RandomOrthogonal, HasOrthonormalRowsOrColumns) {
  for (const auto& [rows, columns] : {std::pair{24, 24}, {8, 40}, {40, 8}, {1, 5}}) {
    const Eigen::MatrixXf a = random_orthogonal(rows, columns, 3, 0);
    ASSERT_EQ(a.rows(), rows);
    ASSERT_EQ(a.cols(), columns);
    const Eigen::MatrixXf gram =
        rows <= columns ? Eigen::MatrixXf(a * a.transpose()) : Eigen::MatrixXf(a.transpose() * a);
    EXPECT_LT((gram - Eigen::MatrixXf::Identity(gram.rows(), gram.cols())).norm(), 1e-5);
  }
  EXPECT_GT((random_orthogonal(8, 8, 3, 0) - random_orthogonal(8, 8, 3, 1)).norm(), 0.5);
  EXPECT_GT((random_orthogonal(8, 8, 3, 0) - random_orthogonal(8, 8, 4, 0)).norm(), 0.5);
}

TEST(Rope, TurnsAsWanDoes) {
  // D = 128: 44 channels for t, 42 for y, 42 for x. The first pair of an axis turns by its
  // position.
  const VideoGrid grid{3, 4, 5};
  const Rope rope(grid, 128);
  std::vector<float> x(128, 0);
  x[0] = x[44] = x[86] = x[2] = 1;
  rope.apply(grid.token(2, 3, 4), x.data());
  EXPECT_NEAR(x[0], std::cos(2.0), 1e-6);
  EXPECT_NEAR(x[1], std::sin(2.0), 1e-6);
  EXPECT_NEAR(x[45], std::sin(3.0), 1e-6);
  EXPECT_NEAR(x[87], std::sin(4.0), 1e-6);
  EXPECT_NEAR(x[3], std::sin(2 * std::pow(10000, -2.0 / 44)), 1e-6);
}

TEST(Rope, KeepsNormsAndDependsOnRelativePositionOnly) {
  const VideoGrid grid{6, 7, 9};
  for (const int64_t dim : {8, 24, 64, 128}) {
    const Rope rope(grid, dim);
    const auto a = gaussian(dim, 1), b = gaussian(dim, 2);
    const auto score = [&](int64_t i, int64_t j) {
      auto x = a, y = b;
      rope.apply(i, x.data());
      rope.apply(j, y.data());
      double norm = 0, before = 0, dot = 0;
      for (int64_t c = 0; c < dim; ++c) {
        norm += x[c] * x[c];
        before += a[c] * a[c];
        dot += double(x[c]) * y[c];
      }
      EXPECT_NEAR(norm, before, 1e-4 * before);
      return dot;
    };
    const double here = score(grid.token(1, 2, 3), grid.token(2, 4, 1));
    EXPECT_NEAR(score(grid.token(4, 4, 8), grid.token(5, 6, 6)), here, 1e-4 * dim);
    EXPECT_GT(std::abs(score(grid.token(1, 2, 3), grid.token(2, 4, 2)) - here), 1e-3);
  }
}

TEST(PeakMeter, MeasuresTheDefinition) {
  const VideoGrid grid{2, 5, 7};
  const Qkv x = synthesize(grid, {.heads = 2, .dim = 24});
  std::vector<int64_t> all(70);
  for (int64_t i = 0; i < 70; ++i) all[i] = i;
  const auto measured = PeakMeter(*x.q, *x.k, 70).measure(1);
  for (int64_t head = 0; head < 2; ++head)
    EXPECT_NEAR(measured[head], plain_peak(*x.q, *x.k, head, all), 1e-4);
}

TEST(Qkv, CalibrationHitsItsTarget) {
  const VideoGrid grid{4, 8, 10};
  for (const double peak : {0.0, 0.2, 0.5, 0.95}) {
    const Qkv x = synthesize(grid, {.heads = 2, .dim = 32, .peak = peak});
    const double target = peak == 0 ? kDefaultPeak : peak;
    EXPECT_NEAR(x.peak, target, 1e-3);
    std::vector<int64_t> rows;  // the documented sample: 32 rows spread evenly
    for (int64_t r = 0; r < 32; ++r) rows.push_back((2 * r + 1) * 320 / 64);
    const double plain = (plain_peak(*x.q, *x.k, 0, rows) + plain_peak(*x.q, *x.k, 1, rows)) / 2;
    EXPECT_NEAR(plain, target, 2e-3);
  }
}

TEST(Qkv, IsDeterministicAndSeeded) {
  const VideoGrid grid{3, 6, 6};
  const Qkv a = synthesize(grid, {.dim = 16}), b = synthesize(grid, {.dim = 16});
  const Qkv c = synthesize(grid, {.dim = 16, .seed = 2});
  const auto same = [](const Tensor& x, const Tensor& y) {
    return std::equal(x.data<float>(), x.data<float>() + x.size(), y.data<float>());
  };
  EXPECT_TRUE(same(*a.q, *b.q) && same(*a.k, *b.k) && same(*a.v, *b.v));
  EXPECT_FALSE(same(*a.q, *c.q));
  EXPECT_FALSE(same(*a.v, *c.v));
}

TEST(Qkv, KeysAreNormalizedAndHeadsDiffer) {
  const VideoGrid grid{2, 4, 4};
  for (const int64_t dim : {8, 40, 72}) {  // below, at and above the 40 channels
    const Qkv x = synthesize(grid, {.heads = 2, .dim = dim});
    for (int64_t head = 0; head < 2; ++head) {
      double square = 0, query = 0;
      for (int64_t c = 0; c < dim; ++c) {
        square += std::pow(x.k->at(5, head, c), 2);
        query += std::pow(x.q->at(5, head, c) / x.sharpness, 2);
      }
      EXPECT_NEAR(square, dim, 1e-3 * dim);
      EXPECT_NEAR(query, dim, 1e-3 * dim);
    }
    EXPECT_NE(x.k->at(5, 0, 0), x.k->at(5, 1, 0));
  }
}

TEST(Qkv, RefusesWhatCannotBe) {
  const VideoGrid grid{2, 4, 4};
  EXPECT_THROW(synthesize(grid, {.heads = 0}), InputError);
  EXPECT_THROW(synthesize(grid, {.dim = 20}), InputError);
  EXPECT_THROW(synthesize(grid, {.dim = -8}), InputError);
  EXPECT_THROW(synthesize(grid, {.peak = 0.05}), InputError);
  EXPECT_THROW(synthesize(grid, {.peak = 1}), InputError);
  EXPECT_THROW(synthesize(grid, {.peak = std::nan("")}), InputError);
  // Features without content: attention stays uniform however sharp.
  EXPECT_THROW(synthesize_qkv(std::vector<float>(32 * 40), 40, grid, {}), InputError);
}

}  // namespace
}  // namespace vidattn
