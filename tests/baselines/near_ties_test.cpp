#include "baselines/near_ties.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace vidattn::near_ties_test {
namespace {

std::vector<float> normal(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> draw(0, 2);
  std::vector<float> values(count);
  for (float& v : values) v = draw(random);
  return values;
}

std::vector<int32_t> sorted_top_k(const std::vector<float>& values, int64_t count) {
  std::vector<int32_t> index(values.size());
  std::iota(index.begin(), index.end(), 0);
  std::stable_sort(index.begin(), index.end(),
                   [&](int32_t a, int32_t b) { return values[a] > values[b]; });
  index.resize(count);
  std::sort(index.begin(), index.end());
  return index;
}

TEST(NearTies, WithoutToleranceTheyAreTheLargest) {
  for (const int64_t size : {1, 2, 17, 1000}) {
    std::vector<float> values = normal(size, size);
    for (int64_t i = 0; i < size; i += 3) values[i] = values[size / 2];  // ties, too
    for (const int64_t count : {int64_t{1}, (size + 1) / 2, size})
      EXPECT_EQ(near_top_k(values, count, {}), sorted_top_k(values, count)) << size;
  }
  EXPECT_EQ(near_top_k(std::vector<float>{1, 2}, 5, {}), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(near_top_k(std::vector<float>{1, 2}, 0, {}), std::vector<int32_t>{});
  EXPECT_EQ(near_top_k(std::vector<float>{-0.0F, 0.0F, -1e-40F, -3e38F}, 2, {}),
            (std::vector<int32_t>{0, 1}));
}

TEST(NearTies, RoundingDoesNotDecideATie) {
  const float two = 2, more = std::nextafter(2.0F, 3.0F);
  const std::vector<float> values{1, two, 5, more, two, more};
  EXPECT_EQ(near_top_k(values, 2, score_tolerance(values)), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(near_top_k(values, 3, kMassTolerance), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(near_top_k(values, 2, {}), (std::vector<int32_t>{2, 3}));
  EXPECT_FLOAT_EQ(score_tolerance(std::vector<float>{1, -7}).absolute, 14e-6F);
}

TEST(NearTies, LongRowsAreCutLikeShortOnes) {
  for (const uint64_t seed : {1, 2, 3}) {
    std::vector<float> values = normal(20'000, seed);
    for (size_t i = 0; i + 1 < values.size(); i += 2) values[i + 1] = values[i];
    if (seed == 2)  // outliers, far from where the cut is
      for (size_t i = 0; i < values.size(); i += 19) values[i] *= 1e30F;
    if (seed == 3) std::sort(values.begin(), values.end());
    for (const int64_t count : {1, 15, 1053, 1501, 9999, 20'000}) {
      EXPECT_EQ(near_top_k(values, count, {}), sorted_top_k(values, count)) << seed << " " << count;
    }
  }
}

TEST(NearTies, AFallingOrderJoinsNeighboursThatAreEqual) {
  EXPECT_EQ(falling_order(std::vector<double>{0.1, 0.3, 0.3 * (1 + 1e-7), 0.05, 0.25}),
            (std::vector<int32_t>{1, 2, 4, 0, 3}));
  EXPECT_EQ(falling_order(std::vector<double>{0.3, 0.3 * (1 + 1e-4)}),
            (std::vector<int32_t>{1, 0}));
  EXPECT_EQ(falling_order(std::vector<double>{0, 0, 1}), (std::vector<int32_t>{2, 0, 1}));
  EXPECT_EQ(falling_order(std::vector<double>{}), std::vector<int32_t>{});
}

}  // namespace
}  // namespace vidattn::near_ties_test
