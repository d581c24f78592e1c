#include <gtest/gtest.h>

#include "attention/backend.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::oracle_block_test {
namespace {

const Backend& oracle_block() { return find_backend("oracle_block"); }

/// mass[a][b] of one head by definition.
Rows slow_masses(const Inputs& in, int64_t head, const std::vector<int32_t>& label) {
  const int32_t n = *std::max_element(label.begin(), label.end()) + 1;
  Rows mass(n, std::vector<double>(n));
  for (int64_t i = 0; i < in.length(); ++i) {
    const auto p = slow_softmax(slow_scores(in, i, head));
    for (size_t j = 0; j < p.size(); ++j) mass[label[i]][label[j]] += p[j];
  }
  return mass;
}

void expect_largest_masses(const Inputs& in, const Settings& settings,
                           const std::vector<int32_t>& label, int64_t kept) {
  const Plan plan = planned(oracle_block(), in, settings);
  const Array& found = plan.explained.at("block_mass");
  const int64_t n = found.shape[1];
  for (int64_t h = 0; h < in.heads(); ++h) {
    const Rows mass = slow_masses(in, h, label);
    for (int64_t a = 0; a < n; ++a)
      for (int64_t b = 0; b < n; ++b)
        EXPECT_NEAR(found.as<float>("block_mass")[(h * n + a) * n + b], mass[a][b],
                    1e-6 * (1 + mass[a][b]));
    expect_blocks(plan, in, h, label,
                  [&](int32_t a, int32_t b) { return rank_of(mass[a], b) < kept; });
  }
}

TEST(OracleBlock, KeepsTheBlocksOfLargestMass) {
  Inputs in = random_inputs(150, 4, 8);
  in.k = random_tensor(150, 2, 8, 71, 2);  // two query heads share a key head
  in.v = random_tensor(150, 2, 8, 72);
  in.explain = true;
  expect_largest_masses(in, {{"block", "16"}, {"k", "3"}}, slow_runs(150, 16), 3);
  expect_largest_masses(in, {{"block", "70"}, {"k", "2"}}, slow_runs(150, 70), 2);
  expect_largest_masses(in, {{"block", "10"}, {"keep", "0.3"}}, slow_runs(150, 10), 5);  // 4.5
}

TEST(OracleBlock, KeysOfSeveralChunksShareOneSoftmax) {
  Inputs in = random_inputs(2100, 1, 4);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 0; j < 2100; ++j)  // the largest score so far grows from chunk to chunk
    for (int64_t c = 0; c < 4; ++c) k->row(j, 0)[c] *= static_cast<float>(1 + j / 400);
  in.k = k;
  in.explain = true;
  expect_largest_masses(in, {{"block", "300"}, {"k", "2"}}, slow_runs(2100, 300), 2);
}

TEST(OracleBlock, TilesOfTheVideoAndTextAroundThem) {
  Inputs in = random_video(3, 5, 6, 2, 8);
  in.explain = true;
  std::vector<int32_t> label(90);
  for (int32_t i = 0; i < 90; ++i) label[i] = (i / 30 / 2 * 2 + i / 6 % 5 / 3) * 2 + i % 6 / 4;
  expect_largest_masses(in, {{"tile", "2,3,4"}, {"k", "3"}}, label, 3);
  Inputs text = random_video(3, 5, 6, 1, 8);
  text.q = random_tensor(94, 1, 8, 5);
  text.k = random_tensor(94, 1, 8, 6);
  text.v = random_tensor(94, 1, 8, 7);
  text.grid.text_tokens = 4;
  const Plan plan = planned(oracle_block(), text, {{"tile", "2,3,4"}, {"k", "1"}});
  EXPECT_EQ(visible_keys(plan.branches[0], text, 92, 0).size(), 94U);
  const auto seen = visible_keys(plan.branches[0], text, 0, 0);
  EXPECT_TRUE(std::find(seen.begin(), seen.end(), 93) != seen.end());
}

TEST(OracleBlock, EqualBlocksGoToTheLowerIndex) {
  Inputs in = random_inputs(112, 1, 16);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 64; j < 112; ++j) std::copy_n(in.k->row(j - 64, 0), 16, k->row(j, 0));
  in.k = k;
  const Plan plan = planned(oracle_block(), in, {{"block", "16"}, {"k", "1"}});
  for (int64_t i = 0; i < 112; ++i)
    EXPECT_LT(visible_keys(plan.branches[0], in, i, 0).front(), 64) << i;
}

TEST(OracleBlock, ASearchThatKnowsTheMassesPlansTheSame) {
  Inputs in = random_inputs(100, 2, 8);
  Params params = oracle_block().defaults();
  params.set("block", "16");
  Inputs known = in;
  oracle_block().prepare_search(known, params);
  params.set("keep", "0.4");
  const Plan a = oracle_block().plan(in, params), b = oracle_block().plan(known, params);
  EXPECT_EQ(a.stages.size(), 1U);
  EXPECT_TRUE(b.stages.empty());
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t i = 0; i < 100; ++i)
      EXPECT_EQ(visible_keys(a.branches[0], in, i, h), visible_keys(b.branches[0], in, i, h));
  params.set("block", "32");  // other masses: those are not taken
  EXPECT_EQ(oracle_block().plan(known, params).stages.size(), 1U);
}

/// Softmax mass on what a plan keeps, summed over all queries of a head.
double kept_mass(const Plan& plan, const Inputs& in, int64_t head) {
  double mass = 0;
  for (int64_t i = 0; i < in.length(); ++i) {
    const auto p = slow_softmax(slow_scores(in, i, head));
    for (const int64_t j : visible_keys(plan.branches[0], in, i, head)) mass += p[j];
  }
  return mass;
}

TEST(OracleBlock, IsAboveEveryRuleWithAsManyBlocks) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Inputs in = random_inputs(256, 2, 8, seed);
    for (const char* k : {"1", "4", "9"}) {
      const Settings blocks{{"block", "16"}, {"k", k}};
      const double share = 1 - std::stod(k) / 16;
      const Plan best = planned(oracle_block(), in, blocks);
      const Plan random = planned(find_backend("random_block"), in, blocks);
      const Plan sub =
          planned(find_backend("subblock"), in,
                  {{"block", "16"}, {"granularity", "1"}, {"sparsity", std::to_string(share)}});
      ASSERT_EQ(pairs_of(sub, in), pairs_of(best, in));
      ASSERT_EQ(pairs_of(random, in), pairs_of(best, in));
      for (int64_t h = 0; h < 2; ++h) {
        const double most = kept_mass(best, in, h) + 1e-4;
        EXPECT_GE(most, kept_mass(sub, in, h));
        EXPECT_GE(most, kept_mass(random, in, h));
      }
    }
  }
}

TEST(OracleBlock, KnobAndRefusals) {
  const Inputs in = random_inputs(100, 2, 8);
  expect_monotone_knob(oracle_block(), in, {{"block", "8"}});
  Params given = oracle_block().defaults();
  EXPECT_EQ(oracle_block().knobs(in, given).size(), 3U);  // blocks of 64, 32 and 16
  given.set("k", "2");
  EXPECT_TRUE(oracle_block().knobs(in, given).empty());
  expect_refused(oracle_block(), in, {{"k", "1"}, {"keep", "0.1"}}, "give k or keep, not both");
  expect_refused(oracle_block(), in, {{"tile", "2,2"}}, "tile needs 3 numbers");
  expect_refused(oracle_block(), in, {{"tile", "2,2,2"}}, "grid");
  Generator random{1};
  Inputs cross = random_cross(8, 5, 1, 1, 4, 4, random);
  cross.grid = {.frames = 2, .height = 2, .width = 2};
  expect_refused(oracle_block(), cross, {{"tile", "1,2,2"}}, "as many keys as queries");
}

}  // namespace
}  // namespace vidattn::oracle_block_test
