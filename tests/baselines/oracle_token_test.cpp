#include <gtest/gtest.h>

#include "attention/backend.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::oracle_token_test {
namespace {

const Backend& oracle() { return find_backend("oracle_token"); }

TEST(OracleToken, KeepsTheKeysOfLargestProbability) {
  Generator random{3};
  // 70 queries are more than a strip of 64; two query heads share a key head; keys of other number.
  Inputs in = random_cross(70, 45, 4, 2, 8, 8, random);
  in.explain = true;
  const Plan plan = planned(oracle(), in, {{"k", "9"}});
  const auto& listed = plan.explained.at("select_index").as<int32_t>("select_index");
  const auto& recall = plan.explained.at("recall").as<float>("recall");
  for (int64_t h = 0; h < 4; ++h)
    for (int64_t i = 0; i < 70; ++i) {
      const auto p = slow_softmax(slow_scores(in, i, h));
      std::vector<int64_t> expected;
      double mass = 0;
      for (size_t j = 0; j < p.size(); ++j)
        if (rank_of(p, j) < 9) {
          expected.push_back(static_cast<int64_t>(j));
          mass += p[j];
        }
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << h << " " << i;
      const int32_t* row = &listed[(h * 70 + i) * 9];
      EXPECT_EQ(std::vector<int64_t>(row, row + 9), expected);
      EXPECT_NEAR(recall[i * 4 + h], mass, 1e-6);
    }
}

TEST(OracleToken, EqualKeysGoToTheLowerIndex) {
  Inputs in = random_inputs(40, 1, 16);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 20; j < 40; ++j) std::copy_n(in.k->row(j - 20, 0), 16, k->row(j, 0));
  in.k = k;
  const Plan plan = planned(oracle(), in, {{"k", "7"}});
  for (int64_t i = 0; i < 40; ++i) {
    const auto seen = visible_keys(plan.branches[0], in, i, 0);
    int64_t first = 0;
    for (const int64_t j : seen) first += j < 20;
    EXPECT_EQ(first, 4);  // three pairs, and the lower one of the fourth
  }
}

TEST(OracleToken, AllKeysAreFullAttention) {
  Inputs in = random_video(2, 3, 5, 2, 8);
  in.explain = true;
  const Plan all = planned(oracle(), in, {{"keep", "1"}});
  EXPECT_EQ(all.branches[0].tables.size(), 1U);
  EXPECT_EQ(pairs_of(all, in), 2 * 30 * 30);
  for (const float r : all.explained.at("recall").as<float>("recall")) EXPECT_NEAR(r, 1, 1e-6);
  in.explain = false;
  EXPECT_TRUE(planned(oracle(), in, {{"k", "99"}}).stages.empty());  // no score is needed
  expect_monotone_knob(oracle(), in);
}

TEST(OracleToken, RefusesMoreKeysThanAPlanCanList) {
  const Inputs in = random_inputs(65'536, 1, 1);
  expect_refused(oracle(), in, {{"k", "32768"}}, "are more than the 2^31 keys");
  expect_refused(oracle(), in, {{"k", "1"}, {"keep", "0.1"}}, "give k or keep, not both");
  expect_refused(oracle(), random_video(1, 2, 2, 1, 4), {{"text_length", "3"}}, "but it is 0");
}

}  // namespace
}  // namespace vidattn::oracle_token_test
