#include "metrics/statistics/change_points.h"

#include <gtest/gtest.h>

#include <random>

namespace vidattn {
namespace {

std::vector<double> steps(const std::vector<double>& levels, int length, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 0.01);
  std::vector<double> series;
  for (double level : levels)
    for (int i = 0; i < length; ++i) series.push_back(level * (1 + noise(random)));
  return series;
}

TEST(ChangePoints, FindsAStepWhereItIs) {
  const auto found = change_points(steps({1.0, 1.1}, 20, 1));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].index, 20, 1);
  EXPECT_NEAR(found[0].before, 1.0, 0.01);
  EXPECT_NEAR(found[0].after, 1.1, 0.01);
  EXPECT_LT(found[0].p, 1e-4);
}

TEST(ChangePoints, FindsSeveralInBothDirections) {
  const auto found = change_points(steps({1.0, 1.2, 0.9}, 25, 2));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_GT(found[0].after, found[0].before);
  EXPECT_LT(found[1].after, found[1].before);
  EXPECT_NEAR(found[0].after, 1.2, 0.01);
}

TEST(ChangePoints, NoiseAndSingleOutliersAreNoChange) {
  int alarms = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto series = steps({1.0}, 40, seed);
    series[10] = 5;
    alarms += static_cast<int>(change_points(series).size());
  }
  EXPECT_LE(alarms, 4);  // 1% asked; the approximate p is conservative
}

TEST(ChangePoints, AlarmsAreSymmetric) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto up = steps({1.0, 1.03}, 15, seed), mirrored = up;
    for (double& v : mirrored) v = 2.03 - v;
    EXPECT_EQ(change_points(up).size(), change_points(mirrored).size());
  }
}

TEST(ChangePoints, SmallShiftsAndShortSeriesAreLeftAlone) {
  EXPECT_TRUE(change_points({1, 1, 1, 1, 2, 2, 2, 2}).empty());
  std::vector<double> tiny(20, 1.0);
  for (size_t i = 10; i < 20; ++i) tiny[i] = 1.001;
  EXPECT_TRUE(change_points(tiny).empty());
  EXPECT_EQ(change_points(tiny, 0.01, 0.0005).size(), 1U);
  EXPECT_TRUE(change_points({}).empty());
}

}  // namespace
}  // namespace vidattn
