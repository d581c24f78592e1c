#include "attention/methods/kmeans.h"

#include <gtest/gtest.h>

#include "tests/support/inputs.h"

namespace vidattn {
namespace {

TEST(KMeans, FindsSeparatedClusters) {
  std::vector<float> points;
  for (int i = 0; i < 60; ++i) {
    points.push_back(static_cast<float>(i % 3) * 10 + 0.01F * static_cast<float>(i));
    points.push_back(0);
  }
  const PointSet set{points.data(), 60, 2, 2};
  const KMeansResult found = kmeans({set}, kmeans_seeds(set, 3, 1), 3, {});
  for (int i = 3; i < 60; ++i) EXPECT_EQ(found.labels[i], found.labels[i % 3]);
  EXPECT_EQ(found.sizes, (std::vector<int32_t>{20, 20, 20}));
}

TEST(KMeans, TiesAndCopiesGoToTheLowestIndexAndEmptyClustersStay) {
  const auto x = random_array({700, 16}, 3);
  const PointSet set{x->as<float>("x").data(), 700, 16, 16};
  for (int64_t copies : {2, 9, 33}) {
    std::vector<float> centroids(copies * 16, 0.25F);
    const KMeansResult found = kmeans({set}, centroids, copies, {.max_iters = 1});
    EXPECT_EQ(found.sizes[0], 700);
    for (int64_t m = 1; m < copies; ++m) EXPECT_EQ(found.centroids[m * 16], 0.25F);
  }
}

TEST(KMeans, LabelsAreTheNearestCentroidsOnAwkwardSizes) {
  for (int64_t count : {1, 15, 17, 255, 513}) {
    for (int64_t k : {1, 2, 17, 256, 300}) {
      const auto x = random_array({count, 5}, 11), c = random_array({k, 5}, 12);
      const auto &xs = x->as<float>("x"), &cs = c->as<float>("c");
      std::vector<int32_t> labels(count);
      assign_nearest({xs.data(), count, 5, 5}, cs.data(), k, labels.data());
      for (int64_t i = 0; i < count; ++i) {
        double mine = 0, best = INFINITY;
        for (int64_t m = 0; m < k; ++m) {
          double d = 0;
          for (int64_t e = 0; e < 5; ++e) d += std::pow(double{xs[i * 5 + e]} - cs[m * 5 + e], 2);
          best = std::min(best, d);
          if (m == labels[i]) mine = d;
        }
        EXPECT_LE(mine, best + 1e-5);
      }
    }
  }
}

TEST(KMeans, HalfTypesGiveWhatTheirFloatsGive) {
  const auto half = random_tensor(400, 3, 8, 4)->to(DType::bf16);
  const Tensor single = half.to(DType::f32);
  const PointSet a = head_points(half, 2), b = head_points(single, 2);
  const auto seeds = kmeans_seeds(a, 20, 1);
  EXPECT_EQ(seeds, kmeans_seeds(b, 20, 1));
  const KMeansResult x = kmeans({a}, seeds, 20, {}), y = kmeans({b}, seeds, 20, {});
  EXPECT_EQ(x.labels, y.labels);
  EXPECT_EQ(x.centroids, y.centroids);
}

TEST(KMeans, SeedingIsDeterministic) {
  const auto x = random_array({50, 4}, 2);
  const PointSet set{x->as<float>("x").data(), 50, 4, 4};
  EXPECT_EQ(kmeans_seeds(set, 7, 5), kmeans_seeds(set, 7, 5));
  EXPECT_NE(kmeans_seeds(set, 7, 5), kmeans_seeds(set, 7, 6));
}

}  // namespace
}  // namespace vidattn
