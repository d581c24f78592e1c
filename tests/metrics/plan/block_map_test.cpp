#include "metrics/plan/block_map.h"

#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/error.h"
#include "metrics/plan/checksum.h"
#include "metrics/plan/stats.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// The plan that `map` makes of arrays.
Plan read_back(const std::map<std::string, Array>& arrays, Inputs in) {
  const Backend& map = find_backend("map");
  for (const auto& [name, array] : arrays) in.extra[name] = std::make_shared<const Array>(array);
  Plan plan = map.plan(in, map.defaults());
  plan.validate(in);
  return plan;
}

std::string checksum_as(const std::string& name, Plan plan) {
  plan.branches[0].name = name;
  return plan_checksum(plan);
}

TEST(BlockMap, OfABlockMethodIsReadBackAsItsPlan) {
  Inputs in = random_video(5, 7, 9, 2, 16);
  in.device = nullptr;
  struct Given {
    std::string method;
    Settings settings;
  };
  for (const Given& given :
       std::vector<Given>{{"full", {}},
                          {"sta", {{"tile", "2,3,4"}, {"windows", "3,1,1,1,3,1"}}},
                          {"ssta", {{"tile", "2,3,4"}, {"window", "1,1,1"}, {"topk", "3"}}},
                          {"vsa_h3", {{"tile", "2,3,4"}, {"sparsity", "0.7"}}},
                          {"rainfusion", {{"block", "16"}, {"patch", "4"}, {"sparsity", "0.8"}}},
                          {"sparge", {{"block_q", "32"}, {"block_k", "16"}}},
                          {"svg2", {{"num_q_centroids", "9"}, {"num_k_centroids", "13"}}}}) {
    SCOPED_TRACE(given.method);
    const Backend& backend = find_backend(given.method);
    Params params = backend.defaults();
    for (const auto& [name, value] : given.settings) params.set(name, value);
    const Plan plan = backend.plan(in, params);
    const Plan again = read_back(block_map_of(plan, in), in);
    EXPECT_EQ(checksum_as("", again), checksum_as("", plan));
    EXPECT_EQ(plan_mask(again, in).values, plan_mask(plan, in).values);
    // And as a mask of all pairs: other segments, the same pairs.
    const Plan pairs = read_back({{"pair_mask", plan_mask(plan, in)}}, in);
    EXPECT_EQ(plan_mask(pairs, in).values, plan_mask(plan, in).values);
    EXPECT_EQ(plan_stats(pairs, in).density, plan_stats(plan, in).density);
  }
}

TEST(BlockMap, OfTextAndOfUncoveredQueriesHasTheSamePairs) {
  Inputs in = random_inputs(5 * 7 * 9 + 6, 2, 16);
  in.grid = {.frames = 5, .height = 7, .width = 9};
  in.grid.text_tokens = 6;
  const Backend& rainfusion = find_backend("rainfusion");
  Params params = rainfusion.defaults();
  params.set("block", "16");
  const Plan plan = rainfusion.plan(in, params);
  EXPECT_EQ(plan_mask(read_back(block_map_of(plan, in), in), in).values,
            plan_mask(plan, in).values);
  HeadTable gaps;
  gaps.add(200, 220, {{3, 9}, {9, 40}});
  gaps.add(10, 30, {{300, 321}});
  const Plan partial = one_branch({.tables = {gaps}});
  EXPECT_EQ(plan_mask(read_back(block_map_of(partial, in), in), in).values,
            plan_mask(partial, in).values);
}

TEST(BlockMap, RefusesWhatNoMapCanSay) {
  const Inputs in = random_inputs(40, 2, 16);
  Generator random{1};
  const auto refuses = [&](const Plan& plan) { EXPECT_THROW(block_map_of(plan, in), InputError); };
  refuses(many_branches(40, 2, 16, random));
  refuses(one_branch(chosen_chunks(40, 4, true, random)));
  HeadTable banded;
  banded.add(0, 40, {{0, 40, -3, 3}});
  refuses(one_branch({.tables = {banded}}));
  refuses(one_branch({.tables = {ragged_table(40, 40, random)}}));  // queries are left out
  refuses(one_branch({.tables = {full_table(40, 40)}, .weight = 0.5F}));
}

}  // namespace
}  // namespace vidattn
