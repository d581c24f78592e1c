#include "metrics/plan/ceiling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "attention/backend.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// Full attention's probabilities of one query, in float64.
std::vector<double> probabilities_of(const Inputs& in, int64_t token, int64_t head) {
  std::vector<double> p;
  double sum = 0;
  for (int64_t j = 0; j < in.keys(); ++j) {
    double dot = 0;
    for (int64_t c = 0; c < in.dim(); ++c)
      dot += double{in.q->at(token, head, c)} * in.k->at(j, in.kv_head(head), c);
    p.push_back(std::exp(dot * in.softmax_scale()));
    sum += p.back();
  }
  for (double& value : p) value /= sum;
  return p;
}

double largest(std::vector<double> values, int64_t count) {
  std::sort(values.begin(), values.end(), std::greater<>());
  return std::accumulate(values.begin(), values.begin() + count, 0.0);
}

TEST(RecallCeiling, IsTheMassOfTheBestKeysAndBlocks) {
  Generator random{3};
  const Inputs in = random_inputs(130, 200, 2, 1, 16, random, 3);  // blocks of 64, 64 and 2
  const RecallCeiling ceiling(in);
  ASSERT_EQ(ceiling.tokens().size(), 130U);
  for (int64_t h = 0; h < 2; ++h) {
    double by_token = 0, by_block = 0;
    std::vector<std::vector<double>> mass(3, std::vector<double>(4));
    for (int64_t i = 0; i < 130; ++i) {
      const std::vector<double> p = probabilities_of(in, i, h);
      by_token += largest(p, 40) / 130;
      for (size_t j = 0; j < p.size(); ++j) mass[i / 64][j / 64] += p[j];
    }
    for (const auto& row : mass) by_block += largest(row, 2) / 130;
    EXPECT_NEAR(ceiling.of_tokens(h, 40.0 / 200), by_token, 1e-6);
    EXPECT_NEAR(ceiling.of_blocks(h, 128.0 / 200), by_block, 1e-3);  // 8 keys are a block, too
    EXPECT_EQ(ceiling.of_tokens(h, 0), 0);
    EXPECT_NEAR(ceiling.of_tokens(h, 1), 1, 1e-6);
    EXPECT_NEAR(ceiling.of_blocks(h, 2), 1, 1e-6);  // branches that overlap
    EXPECT_GE(ceiling.of_tokens(h, 0.3), ceiling.of_blocks(h, 0.3));
  }
}

/// The block oracle reaches its own ceiling, short blocks at the ends or not.
TEST(RecallEfficiency, OfTheBlockOracleIsOne) {
  for (const int64_t length : {64, 195, 256}) {
    const Inputs in = random_inputs(length, 2, 16, 7);
    const RecallCeiling ceiling(in);
    const Backend& oracle = find_backend("oracle_block");
    for (const char* k : {"1", "2"}) {
      Params params = oracle.defaults();
      params.set("block", "64");
      params.set("k", k);
      const Plan plan = oracle.plan(in, params);
      Output out;
      find_device("cpu").run(plan, in, out);
      // Blocks of other sizes at one density: query blocks that chose the short one have less.
      EXPECT_NEAR(recall_efficiency(plan, in, out, ceiling).of_blocks, 1,
                  length == 195 ? 0.02 : 1e-4)
          << length << " " << k;
    }
  }
}

TEST(RecallCeiling, LooksAtFourBlocksOfManyAndGivesTheirLse) {
  const Inputs in = random_inputs(1000, 1, 8);
  const RecallCeiling ceiling(in);
  ASSERT_EQ(ceiling.tokens().size(), 256U);
  EXPECT_EQ(ceiling.tokens()[0] % 64, 0);
  for (const size_t row : {0, 100, 255}) {
    double sum = 0;
    for (int64_t j = 0; j < 1000; ++j) {
      double dot = 0;
      for (int64_t c = 0; c < 8; ++c)
        dot += double{in.q->at(ceiling.tokens()[row], 0, c)} * in.k->at(j, 0, c);
      sum += std::exp(dot / std::sqrt(8.0));
    }
    EXPECT_NEAR(ceiling.lse(row, 0), std::log(sum), 1e-5);
  }
}

TEST(RecallEfficiency, IsOneWhereTheBestKeysAreSeen) {
  const Inputs in = random_inputs(48, 1, 16);
  const RecallCeiling ceiling(in);
  HeadTable best;
  std::vector<int32_t> order;
  for (int32_t i = 0; i < 48; ++i) {
    const std::vector<double> p = probabilities_of(in, i, 0);
    std::vector<int32_t> keys(48);
    std::iota(keys.begin(), keys.end(), 0);
    std::sort(keys.begin(), keys.end(), [&](int32_t a, int32_t b) { return p[a] > p[b]; });
    const auto begin = static_cast<int32_t>(order.size());
    order.insert(order.end(), keys.begin(), keys.begin() + 12);
    best.add(i, i + 1, {{begin, begin + 12}});
  }
  best.key_order = make_order(order);
  const Plan plan = one_branch({.tables = {best}});
  Output out;
  find_device("cpu").run(plan, in, out);
  EXPECT_NEAR(recall_efficiency(plan, in, out, ceiling).of_tokens, 1, 1e-5);
  // The same keys by two branches are found by their union.
  Plan twice = plan;
  twice.branches.push_back({.tables = {full_table(48, 0)}, .weight = 0.5F});
  find_device("cpu").run(twice, in, out);
  EXPECT_NEAR(recall_efficiency(twice, in, out, ceiling).of_tokens, 1, 1e-5);
}

TEST(RecallEfficiency, OfMethodsStaysBelowTheOracleOfTokens) {
  Inputs in = random_video(4, 8, 8, 2, 16, 5);
  in.device = &find_device("cpu");
  const RecallCeiling ceiling(in);
  for (const char* name : {"sta", "vsa", "moba", "radial"}) {
    const Backend& backend = find_backend(name);
    const Plan plan = backend.plan(in, backend.defaults());
    Output out;
    find_device("cpu").run(plan, in, out);
    const RecallEfficiency efficiency = recall_efficiency(plan, in, out, ceiling);
    EXPECT_GT(efficiency.of_tokens, 0.1) << name;
    EXPECT_LE(efficiency.of_tokens, 1 + 1e-6) << name;
    EXPECT_GE(efficiency.of_blocks, efficiency.of_tokens) << name;
  }
}

}  // namespace
}  // namespace vidattn
