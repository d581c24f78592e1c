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

/// Most mass on so many keys of whole blocks and a part of one, by trying all sets.
double best_blocks(const std::vector<double>& mass, const std::vector<int64_t>& sizes,
                   int64_t keys) {
  double best = 0;
  for (uint32_t set = 0; set < 1U << mass.size(); ++set) {
    double sum = 0, part = 0;
    int64_t left = keys;
    for (size_t b = 0; b < mass.size(); ++b)
      if (set >> b & 1) {
        left -= sizes[b];
        sum += mass[b];
      }
    if (left < 0) continue;
    for (size_t b = 0; b < mass.size(); ++b)
      if (!(set >> b & 1))
        part = std::max(part, mass[b] * std::min(1.0, static_cast<double>(left) /
                                                          static_cast<double>(sizes[b])));
    best = std::max(best, sum + part);
  }
  return best;
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
    for (const auto& row : mass) by_block += best_blocks(row, {64, 64, 64, 8}, 128) / 130;
    EXPECT_NEAR(ceiling.of_tokens(h, 40.0 / 200), by_token, 1e-6);
    EXPECT_NEAR(ceiling.of_blocks(h, 128.0 / 200), by_block, 1e-6);
    EXPECT_EQ(ceiling.of_tokens(h, 0), 0);
    EXPECT_NEAR(ceiling.of_tokens(h, 1), 1, 1e-6);
    EXPECT_NEAR(ceiling.of_blocks(h, 2), 1, 1e-6);  // branches that overlap
    EXPECT_GE(ceiling.of_tokens(h, 0.3), ceiling.of_blocks(h, 0.3));
  }
}

RecallEfficiency efficiency_on_cpu(const Plan& plan, const Inputs& in,
                                   const RecallCeiling& ceiling) {
  Output out;
  find_device("cpu").run(plan, in, out);
  return recall_efficiency(plan, in, out, ceiling);
}

/// The block oracle reaches its own ceiling where all blocks have one size. Where the last one is
/// short, the oracle takes it for its mass, the ceiling by its mass per key.
TEST(RecallEfficiency, OfTheBlockOracleIsOneAndNeverMore) {
  const Backend& oracle = find_backend("oracle_block");
  for (const int64_t length : {1, 15, 17, 64, 65, 127, 195, 216, 256, 300}) {
    const Inputs in = random_inputs(length, 2, 16, 7);
    const RecallCeiling ceiling(in);
    for (int64_t k = 1; k <= (length + 63) / 64; ++k) {
      Params params = oracle.defaults();
      params.set("block", "64");
      params.set("k", std::to_string(k));
      const double of_blocks = efficiency_on_cpu(oracle.plan(in, params), in, ceiling).of_blocks;
      EXPECT_LE(of_blocks, 1 + 1e-5) << length << " " << k;
      EXPECT_GE(of_blocks, length % 64 == 0 ? 1 - 1e-4 : 0.8) << length << " " << k;
    }
  }
}

/// Any blocks, of which some queries get many and others none: no union of blocks is above 1, even
/// one that gives all of its keys to the queries that are looked at.
TEST(RecallEfficiency, OfUnionsOfBlocksIsAtMostOne) {
  Generator random{11};
  for (const int64_t length : {1, 15, 65, 130, 216, 257, 900}) {
    const Inputs in = random_inputs(length, length + 30, 2, 1, 16, random, 3);
    const RecallCeiling ceiling(in);
    const auto keys = static_cast<int32_t>(in.keys());
    for (uint64_t often = 1; often < 6; ++often) {
      HeadTable table;
      for (int32_t begin = 0; begin < length; begin += 64) {
        const bool drawn =
            std::binary_search(ceiling.tokens().begin(), ceiling.tokens().end(), begin);
        std::vector<KeyRange> ranges;
        for (int32_t first = 0; first < keys; first += 64)
          if (random() % 5 < (drawn ? often : often / 3))
            ranges.push_back({first, std::min(keys, first + 64)});
        table.add(begin, static_cast<int32_t>(std::min<int64_t>(length, begin + 64)), ranges);
      }
      if (table.pairs() == 0) continue;
      const RecallEfficiency efficiency =
          efficiency_on_cpu(one_branch({.tables = {table}}), in, ceiling);
      EXPECT_LE(efficiency.of_blocks, 1 + 1e-5) << length << " " << often;
      EXPECT_LE(efficiency.of_tokens, efficiency.of_blocks + 1e-5) << length << " " << often;
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
