#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::lite_test {
namespace {

/// One query against keys, one to a tile, whose scores are given; scale 1/4 on 16 channels.
Inputs with_scores(const std::vector<float>& scores) {
  const auto keys = static_cast<int64_t>(scores.size());
  Inputs in = random_inputs(1, 1, 16);
  Tensor q(1, 1, 16), k(keys, 1, 16);
  q.row(0, 0)[0] = 4;
  for (int64_t j = 0; j < keys; ++j) k.row(j, 0)[0] = scores[j];
  in.q = std::make_shared<const Tensor>(std::move(q));
  in.k = std::make_shared<const Tensor>(std::move(k));
  in.v = random_tensor(keys, 1, 16, 3);
  return in;
}

/// The keys that each of some steps executes.
std::vector<std::vector<int>> steps_of(Inputs in, int64_t steps, const char* edge) {
  const Backend& lite = find_backend("lite");
  Params params = lite.defaults();
  for (const auto& [name, value] :
       {std::pair("tile_q", "1"), {"tile_k", "1"}, {"threshold_log2", "-2"}, {"run_edge", edge}})
    params.set(name, value);
  StepCache cache;
  in.explain = true;
  std::vector<std::vector<int>> executed;
  for (int64_t s = 0; s < steps; ++s) {
    in.context = {0, 1, s, steps, &cache};
    const Plan plan = lite.plan(in, params);
    const auto& map = plan.explained.at("block_map").as<uint8_t>("block_map");
    executed.emplace_back();
    for (size_t j = 0; j < map.size(); ++j)
      if (map[j]) executed.back().push_back(static_cast<int>(j));
    EXPECT_EQ(plan.branches[0].pairs(0, 1), static_cast<int64_t>(executed.back().size()));
  }
  return executed;
}

using Steps = std::vector<std::vector<int>>;

TEST(Lite, DropsWhatLiesBelowTheRunningMaximumFromTheLastTileDown) {
  // 2 powers of two are 1.39: from 0, tiles of -1 stay and those of -2 and -3 go.
  EXPECT_EQ(steps_of(with_scores({-1, -2, -1, -3, 0}), 3, "false"),
            (Steps{{0, 1, 2, 3, 4}, {0, 2, 4}, {0, 2, 4}}));
  // The last tile comes first and is never dropped, whatever follows.
  EXPECT_EQ(steps_of(with_scores({0, -5, -9}), 2, "false"), (Steps{{0, 1, 2}, {0, 1, 2}}));
}

TEST(Lite, WithEdgesTheFirstOfARunOfDroppedTilesStaysForAStep) {
  // Step 1 drops 3, 2 and 1 and keeps 3 as the end of the range; 0 begins another. In step 2 the
  // dropped tile 3 directly follows 4 in its range again.
  EXPECT_EQ(steps_of(with_scores({-1, -3, -3, -3, 0}), 3, "true"),
            (Steps{{0, 1, 2, 3, 4}, {0, 3, 4}, {0, 3, 4}}));
  // A single dropped tile stays.
  EXPECT_EQ(steps_of(with_scores({-1, -3, 0}), 2, "true"), (Steps{{0, 1, 2}, {0, 1, 2}}));
}

TEST(Lite, OutsideOfARunItIsFullAttention) {
  const Backend &lite = find_backend("lite"), &full = find_backend("full");
  for (const int64_t length : {1, 15, 17, 300}) {
    const Inputs in = random_inputs(length, 2, 16);
    const Plan plan = lite.plan(in, lite.defaults());
    plan.validate(in);
    Output got, want;
    find_device("cpu").run(plan, in, got);
    find_device("cpu").run(full.plan(in, full.defaults()), in, want);
    EXPECT_LT(relative_l2(got.o, want.o), 1e-6);
  }
}

TEST(Lite, LayersAndShapesHaveStatesOfTheirOwn) {
  const Backend& lite = find_backend("lite");
  Params params = lite.defaults();
  params.set("tile_q", "1");
  params.set("tile_k", "1");
  params.set("threshold_log2", "-2");
  StepCache cache;
  const auto pairs = [&](Inputs in, int64_t layer, int64_t step) {
    in.context = {layer, 2, step, 3, &cache};
    return lite.plan(in, params).branches[0].pairs(0, 1);
  };
  const Inputs in = with_scores({-3, 0});
  EXPECT_EQ(pairs(in, 0, 0), 2);
  EXPECT_EQ(pairs(in, 0, 1), 1);
  EXPECT_EQ(pairs(in, 1, 1), 2);
  EXPECT_EQ(pairs(with_scores({-3, 0, 0}), 0, 2), 3);
}

}  // namespace
}  // namespace vidattn::lite_test
