#include "metrics/statistics/kendall.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/error.h"

namespace vidattn {
namespace {

// scipy.stats.kendalltau.
TEST(Kendall, IsTauB) {
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3, 4}, {10, 20, 30, 40}), 1);
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  EXPECT_NEAR(kendall_tau({12, 2, 1, 12, 2}, {1, 4, 7, 1, 0}), -0.47140452079103173, 1e-12);
  EXPECT_TRUE(std::isnan(kendall_tau({1, 1}, {1, 2})));
  EXPECT_TRUE(std::isnan(kendall_tau({}, {})));
  EXPECT_THROW(kendall_tau({1}, {1, 2}), InputError);
}

TEST(Kendall, IntervalOfMeansHoldsTheTau) {
  // Items whose order every sample shows: nothing to be unsure of.
  const std::vector<std::vector<double>> clear{{1, 2, 3}, {2, 3, 4}, {0, 5, 9}};
  const TauInterval sure = tau_of_means(clear, clear);
  EXPECT_EQ(sure.tau, 1);
  EXPECT_EQ(sure.low, 1);
  // Samples that contradict each other.
  const TauInterval unsure = tau_of_means({{1, 2, 3}, {1, 2, 3}}, {{1, 2, 3}, {9, 2, 1}});
  EXPECT_EQ(unsure.low, -1);
  EXPECT_EQ(unsure.high, 1);
  EXPECT_THROW(tau_of_means({{1, 2}}, {{1}}), InputError);
}

}  // namespace
}  // namespace vidattn
