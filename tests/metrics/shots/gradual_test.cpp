#include "metrics/shots/gradual.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(Mixture, SplitsAFrameIntoShareAndRest) {
  const cv::Mat a = (cv::Mat_<float>(1, 2) << 0, 0), b = (cv::Mat_<float>(1, 2) << 4, 0);
  const Mixture mixed = mixture(a, b, (cv::Mat_<float>(1, 2) << 1, 0));
  EXPECT_DOUBLE_EQ(mixed.alpha, 0.25);
  EXPECT_DOUBLE_EQ(mixed.residual, 0);
  const Mixture beside = mixture(a, b, (cv::Mat_<float>(1, 2) << 2, 3));
  EXPECT_DOUBLE_EQ(beside.alpha, 0.5);
  EXPECT_DOUBLE_EQ(beside.residual, 0.75);
  EXPECT_DOUBLE_EQ(mixture(a, a, b).alpha, 0);  // no direction to project on
}

}  // namespace
}  // namespace vidattn
