#include "metrics/statistics/paired_difference.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vidattn {
namespace {

TEST(PairedDifference, StudentQuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_t_975(1), 12.70620473617, 1e-9);
  EXPECT_NEAR(student_t_975(2), 4.302652729749, 1e-9);
  EXPECT_NEAR(student_t_975(4), 2.776445105198, 1e-9);
  EXPECT_NEAR(student_t_975(30), 2.042272456301, 1e-9);
  EXPECT_NEAR(student_t_975(1000), 1.962339080826, 1e-9);
}

TEST(PairedDifference, IsMeanAndIntervalOfTheDifferences) {
  const auto d = paired_difference({3, 5, 10}, {2, 3, 7});  // 1, 2, 3
  EXPECT_EQ(d.count, 3);
  EXPECT_DOUBLE_EQ(d.mean, 2);
  EXPECT_NEAR(d.half_width, 4.302652729749464 / std::sqrt(3.0), 1e-9);
  EXPECT_NEAR(d.p, 0.07417990022744862, 1e-9);  // t = 2 sqrt(3), two degrees of freedom
  EXPECT_EQ(paired_difference({1, 2}, {1, 2}).p, 1);
}

TEST(PairedDifference, LeavesOutWhatWasNotMeasured) {
  const auto one = paired_difference({1, NAN, INFINITY}, {0.5, 2, 1});
  EXPECT_EQ(one.count, 1);
  EXPECT_DOUBLE_EQ(one.mean, 0.5);
  EXPECT_TRUE(std::isnan(one.half_width));
  EXPECT_TRUE(std::isnan(paired_difference({}, {}).mean));
}

}  // namespace
}  // namespace vidattn
