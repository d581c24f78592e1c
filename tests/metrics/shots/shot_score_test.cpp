#include "metrics/shots/shot_score.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

ShotScore hit(const std::vector<Scene>& truth, const std::vector<Scene>& predicted,
              int64_t tolerance = 2) {
  return score_shots(truth, predicted, tolerance);
}

TEST(ShotScore, ToleratesTwoFramesOfACut) {
  const std::vector<Scene> predicted{{0, 5}, {6, 9}};
  EXPECT_EQ(hit({{0, 5}, {6, 9}}, predicted), (ShotScore{1, 0, 0}));
  EXPECT_EQ(hit({{0, 3}, {4, 9}}, predicted), (ShotScore{1, 0, 0}));
  EXPECT_EQ(hit({{0, 2}, {3, 9}}, predicted), (ShotScore{0, 1, 1}));
  EXPECT_EQ(hit({{0, 4}, {5, 9}}, predicted, 1), (ShotScore{1, 0, 0}));
  EXPECT_EQ(hit({{0, 3}, {4, 9}}, predicted, 1), (ShotScore{0, 1, 1}));
  EXPECT_EQ(hit({{0, 4}, {5, 9}}, predicted, 0), (ShotScore{0, 1, 1}));
}

TEST(ShotScore, ATrueTransitionIsHitOnceAnywhereInIt) {
  const std::vector<Scene> truth{{0, 50}, {61, 99}};
  EXPECT_EQ(hit(truth, {{0, 55}, {56, 99}}), (ShotScore{1, 0, 0}));
  EXPECT_EQ(hit(truth, {{0, 52}, {53, 57}, {58, 99}}), (ShotScore{1, 1, 0}));
}

TEST(ShotScore, CountsWhatIsLeftOver) {
  EXPECT_EQ(hit({{0, 9}}, {{0, 4}, {5, 9}}), (ShotScore{0, 1, 0}));
  EXPECT_EQ(hit({{0, 4}, {5, 9}}, {{0, 9}}), (ShotScore{0, 0, 1}));
  EXPECT_EQ(hit({{0, 4}, {5, 9}}, {}), (ShotScore{0, 0, 1}));
  EXPECT_EQ(hit({}, {}), (ShotScore{0, 0, 0}));
}

TEST(ShotScore, SumsBeforeF1) {
  ShotScore score{3, 1, 2};
  EXPECT_DOUBLE_EQ(score.precision(), 0.75);
  EXPECT_DOUBLE_EQ(score.recall(), 0.6);
  EXPECT_DOUBLE_EQ(score.f1(), 2.0 / 3);
  score += ShotScore{1, 0, 0};
  EXPECT_EQ(score, (ShotScore{4, 1, 2}));
  EXPECT_DOUBLE_EQ(ShotScore{}.f1(), 0);
}

}  // namespace
}  // namespace vidattn
