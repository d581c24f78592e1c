#include "baselines/exp_sum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace vidattn::exp_sum_test {
namespace {

TEST(ExpSum, IsTheExponentialToAboutOneMillionth) {
  for (float x = -86; x < 60; x += 0.013F)
    EXPECT_NEAR(exp_sum(&x, 1, 0) / std::exp(double{x}), 1, 1e-6) << x;
  EXPECT_EQ(exp_sum(nullptr, 0, 0), 0);
}

TEST(ExpSum, TakesEveryValueOnce) {
  std::vector<float> values(101);
  double expected = 0;
  for (int i = 0; i < 101; ++i) {
    EXPECT_NEAR(exp_sum(values.data(), i, 1.5F), expected, 1e-6 * (1 + expected)) << i;
    values[i] = 0.01F * static_cast<float>(i);
    expected += std::exp(double{values[i]} - 1.5);
  }
}

TEST(ExpSum, WhatIsFarBelowAddsNothing) {
  for (const float x : {-88.0F, -1e4F, -3e9F, -3e38F}) EXPECT_EQ(exp_sum(&x, 1, 0), 0) << x;
  const float values[] = {0, -1e30F, 0};
  EXPECT_EQ(exp_sum(values, 3, 0), 2);
}

TEST(ExpSum, TheHighestIsThatOfEveryPlace) {
  EXPECT_EQ(highest_of(nullptr, 0), -INFINITY);
  for (int size = 1; size < 40; ++size)
    for (int at = 0; at < size; ++at) {
      std::vector<float> values(size, -3);
      values[at] = -2;
      EXPECT_EQ(highest_of(values.data(), size), -2) << at << " of " << size;
    }
}

}  // namespace
}  // namespace vidattn::exp_sum_test
