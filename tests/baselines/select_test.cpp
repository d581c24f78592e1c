#include "baselines/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace vidattn::select_test {
namespace {

TEST(TopP, TheThreePublishedRulesDiffer) {
  const std::vector<double> p{.5, .3, .1, .1};
  const auto kept = [&](double threshold, TopP rule) {
    return top_p(p, threshold, rule, 1).size();
  };
  EXPECT_EQ(kept(.5, TopP::sum_before_at_most), 2U);
  EXPECT_EQ(kept(.8, TopP::sum_before_at_most), 3U);
  EXPECT_EQ(kept(.5, TopP::sum_before_below), 1U);
  EXPECT_EQ(kept(.8, TopP::sum_before_below), 2U);
  EXPECT_EQ(kept(.5, TopP::sums_at_most), 1U);
  EXPECT_EQ(kept(.8, TopP::sums_at_most), 2U);
}

TEST(TopP, KeepsAtLeastWhatIsAskedAndSortsStably) {
  const std::vector<double> p{.1, .4, .4, .1};
  EXPECT_EQ(top_p(p, 0, TopP::sum_before_below, 3), (std::vector<int32_t>{1, 2, 0}));
  EXPECT_EQ(top_p(p, 0, TopP::sums_at_most, 0).size(), 1U);
  EXPECT_EQ(top_p(p, 1, TopP::sum_before_at_most, 9).size(), 4U);
}

TEST(TopK, TiesGoToTheLowerIndex) {
  const std::vector<float> v{1, 3, 3, 2};
  EXPECT_EQ(top_k(v, 3), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(top_k(v, 9).size(), 4U);
  EXPECT_TRUE(top_k(v, 0).empty());
}

TEST(TopK, FewAndManyAreRankedAlike) {
  std::vector<float> v(200);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i * 37 % 61);
  v[0] = v[7] = NAN;
  v[20] = INFINITY;
  for (size_t size : {1, 5, 9, 61, 200})
    for (int64_t count = 1; count <= 12; ++count) {
      const std::vector<float> values(v.begin(), v.begin() + static_cast<int64_t>(size));
      std::vector<double> wide(values.begin(), values.end());
      std::replace_if(
          wide.begin(), wide.end(), [](double x) { return std::isnan(x); }, -1.0);
      EXPECT_EQ(top_k(values, count), top_k(wide, count)) << size << " " << count;
    }
}

TEST(Softmax, WeighsBySizeAndSurvivesLargeScores) {
  const std::vector<float> v{1000, 1000, 0};
  const std::vector<int32_t> sizes{1, 3, 0};
  const auto p = softmax(v, sizes);
  EXPECT_DOUBLE_EQ(p[0], .25);
  EXPECT_DOUBLE_EQ(p[1], .75);
  EXPECT_EQ(p[2], 0);
}

}  // namespace
}  // namespace vidattn::select_test
