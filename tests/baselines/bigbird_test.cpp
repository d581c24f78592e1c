#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::bigbird_test {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

Plan plan_with(const Inputs& in, const Settings& settings) {
  const Backend& bigbird = find_backend("bigbird");
  Params params = bigbird.defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  Plan plan = bigbird.plan(in, params);
  plan.validate(in);
  return plan;
}

/// Visible from block a to block b without the random ones.
bool sees(int64_t a, int64_t b, int64_t blocks, int64_t window, int64_t global) {
  const auto is_global = [&](int64_t x) {
    return x < (global + 1) / 2 || x >= blocks - global / 2;
  };
  return is_global(a) || is_global(b) || std::abs(a - b) <= window / 2;
}

TEST(BigBird, WindowAndGlobalBlocksAreThoseOfTheDefinition) {
  struct Shape {
    int64_t length, window, global;
  };
  for (const Shape& s : {Shape{200, 3, 2},
                         {193, 4, 0},
                         {160, 1, 3},
                         {16, 3, 2},
                         {5, 3, 2},
                         {100, 3, 99},
                         {90, 99, 0}}) {
    const Inputs in = random_inputs(s.length, 2, 8);
    const Plan plan = plan_with(in, {{"block_size", "16"},
                                     {"window_blocks", std::to_string(s.window)},
                                     {"global_blocks", std::to_string(s.global)},
                                     {"random_blocks", "0"}});
    const int64_t blocks = (s.length + 15) / 16;
    EXPECT_EQ(plan.branches[0].tables.size(), 1U);
    for (int64_t i = 0; i < s.length; ++i) {
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < s.length; ++j)
        if (sees(i / 16, j / 16, blocks, s.window, std::min(s.global, blocks)))
          expected.push_back(j);
      EXPECT_EQ(visible_keys(plan.branches[0], in, i, 1), expected) << s.length << " " << i;
    }
  }
}

std::vector<uint8_t> map_of(const Inputs& in, const char* random_blocks, const char* seed) {
  return plan_with(in, {{"block_size", "16"}, {"random_blocks", random_blocks}, {"seed", seed}})
      .explained.at("block_map")
      .as<uint8_t>("block_map");
}

TEST(BigBird, DrawsAsManyNewBlocksAsAskedOrAllThatAreLeft) {
  Inputs in = random_inputs(16 * 20, 2, 8);
  in.explain = true;
  const auto map = map_of(in, "4", "9"), all = map_of(in, "16", "9");
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t a = 1; a < 19; ++a) {
      int64_t random = 0;
      for (int64_t b = 0; b < 20; ++b) {
        const bool fixed = sees(a, b, 20, 3, 2), seen = map[(h * 20 + a) * 20 + b];
        EXPECT_TRUE(seen || !fixed);
        EXPECT_TRUE(all[(h * 20 + a) * 20 + b]);
        random += seen && !fixed;
      }
      EXPECT_EQ(random, 4);
    }
}

TEST(BigBird, RandomBlocksDependOnSeedAndHeadAloneAndReachEveryBlock) {
  Inputs in = random_inputs(16 * 20, 2, 8);
  in.explain = true;
  const auto map = map_of(in, "2", "9");
  EXPECT_EQ(map_of(in, "2", "9"), map);
  EXPECT_NE(map_of(in, "2", "10"), map);
  EXPECT_FALSE(std::equal(map.begin(), map.begin() + 400, map.begin() + 400));
  std::vector<int> drawn(400);
  for (int seed = 0; seed < 400; ++seed) {
    const auto one = map_of(in, "2", std::to_string(2 * seed).c_str());
    for (int i = 0; i < 400; ++i) drawn[i] += one[i];
  }
  for (int b = 1; b < 19; ++b) {  // from block 9, two of the 15 blocks left: 53 of 400 on average
    const int count = drawn[9 * 20 + b];
    if (std::abs(b - 9) > 1)
      EXPECT_TRUE(count > 25 && count < 90) << b << ": " << count;
    else
      EXPECT_EQ(count, 400);
  }
}

TEST(BigBird, WarmUpIsDense) {
  const Backend& bigbird = find_backend("bigbird");
  Inputs in = random_inputs(16 * 20, 1, 8);
  in.context = {.layer = 0, .layers = 10, .step = 3, .steps = 10};
  EXPECT_EQ(plan_with(in, {{"dense_layers", "1"}}).branches[0].name, "full");
  in.context.layer = 1;
  EXPECT_EQ(plan_with(in, {{"dense_layers", "1"}}).branches[0].name, "bigbird");
  Params params = bigbird.defaults();
  params.set("dense_layers", "1");
  EXPECT_DOUBLE_EQ(bigbird.run_density(params, 0.2, 10, 10), 0.1 + 0.9 * 0.2);
  EXPECT_THROW(params.set("block_size", "8"), InputError);
}

TEST(BigBird, TheKnobRaisesDensityUpToAll) {
  const DensityKnob& knob = find_backend("bigbird").info().knob;
  const Inputs in = random_inputs(1000, 2, 8);
  int64_t before = 0;
  for (double value : {knob.sparse, 1.0, 2.0, 4.0, knob.dense}) {
    const Branch branch = plan_with(in, {{knob.param, to_text(int64_t(value))}}).branches[0];
    EXPECT_GT(branch.pairs(0, 2), before);
    before = branch.pairs(0, 2);
  }
  EXPECT_EQ(before, 1000 * 1000);
}

}  // namespace
}  // namespace vidattn::bigbird_test
