#include "metrics/statistics/change_points.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
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
  EXPECT_LT(found[0].p, 1e-3);
}

TEST(ChangePoints, FindsSeveralInBothDirections) {
  const auto found = change_points(steps({1.0, 1.2, 0.9}, 25, 2));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_GT(found[0].after, found[0].before);
  EXPECT_LT(found[1].after, found[1].before);
  EXPECT_NEAR(found[0].after, 1.2, 0.01);
}

/// Values of which each resembles the one before, around 1.
std::vector<double> resembling(int length, double correlation, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> series(length);
  double last = normal(random);
  for (double& value : series) {
    last = correlation * last + std::sqrt(1 - correlation * correlation) * normal(random);
    value = 1 + 0.02 * last;
  }
  return series;
}

TEST(ChangePoints, ValuesThatResembleTheOneBeforeAreNoChange) {
  for (const double correlation : {0.0, 0.3, 0.5})
    for (const int length : {15, 40, 80}) {
      int alarms = 0;
      for (uint64_t seed = 0; seed < 100; ++seed)
        alarms += !change_points(resembling(length, correlation, seed)).empty();
      std::cout << "correlation " << correlation << ", " << length << " values: alarms in "
                << alarms << "%\n";
      EXPECT_LE(alarms, correlation > 0 ? 10 : 4) << correlation << " " << length;
    }
}

TEST(ChangePoints, AnOffCentreChangeIsPutWhereItIsSlow) {
  for (const int place : {8, 20, 32}) {
    int found = 0, off = 0;
    for (uint64_t seed = 0; seed < 60; ++seed) {
      auto series = resembling(40, 0, seed);
      for (int i = place; i < 40; ++i) series[i] *= 1.06;
      const auto changes = change_points(series);
      found += !changes.empty();
      off += !changes.empty() && std::abs(changes[0].index - place) > 2;
    }
    std::cout << "+6% of 2% noise at " << place << " of 40: found in " << found / 0.6
              << "%, more than 2 off in " << off / 0.6 << "%\n";
    EXPECT_GE(found, 51) << place;
    EXPECT_LE(off, 4) << place;
  }
}

TEST(ChangePoints, EndsWithinWhichNoStepIsSeen) {
  for (const int64_t size : {16, 40, 100}) {
    const int64_t side = unseen_at_ends(size);
    EXPECT_GE(side, 5);
    const auto changes_after = [&](int64_t place) {
      std::vector<double> series;
      for (int64_t i = 0; i < size; ++i) series.push_back(i < place ? 1 : 2);
      return change_points(series).size();
    };
    EXPECT_GE(changes_after(side + 1), 1U) << size;
    if (side > 5) {
      EXPECT_EQ(changes_after(side - 1), 0U) << size;
    }
  }
  EXPECT_GT(unseen_at_ends(100), unseen_at_ends(40));
}

TEST(ChangePoints, ExactFiguresChangeWhereverTheyDiffer) {
  EXPECT_TRUE(exact_changes({}).empty());
  EXPECT_TRUE(exact_changes({0.25, 0.25, 0.25 * (1 + 1e-12)}).empty());
  const auto found = exact_changes({0.25, 0.26, 0.26, 0.25});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].index, 1);
  EXPECT_EQ(found[1].index, 3);
  EXPECT_EQ(found[1].after, 0.25);
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
  EXPECT_EQ(change_points({1, 1, 1, 1, 1, 2, 2, 2, 2, 2}).size(), 1U) << "ten can tell";
  EXPECT_TRUE(change_points({}).empty());
}

}  // namespace
}  // namespace vidattn
