#include "metrics/plan/ideal_density.h"

#include <gtest/gtest.h>

#include "attention/backend.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

TEST(IdealDensity, GivesThePrintedSparsitiesAt10Seconds) {
  const WindowSetting at_10s{4, 4, 40, 0};
  const std::pair<int64_t, double> expected[] = {{2, 41.25}, {4, 66.25}, {5, 71.25}, {8, 78.75}};
  for (const auto& [groups, sparsity] : expected)
    EXPECT_NEAR(100 * (1 - moga_stga_density(groups, at_10s)), sparsity, 1e-9) << groups;
  EXPECT_EQ(moga_stga_density(1, at_10s), 1);
}

/// Plans on an even grid with a router whose groups are equal must reach the closed form exactly.
TEST(IdealDensity, IsThatOfAnEvenPlan) {
  Inputs in;
  in.grid = {.frames = 8, .height = 4, .width = 6, .shots = {0, 2, 4, 6}};
  const int64_t tokens = in.grid.tokens(), groups = 3;
  in.q = in.k = in.v = std::make_shared<const Tensor>(tokens, 1, 8);
  std::vector<float> logits(tokens * groups);
  for (int64_t i = 0; i < tokens; ++i) logits[i * groups + i % groups] = 1;
  in.extra["router_logits"] = std::make_shared<const Array>(Array{{tokens, groups}, logits});
  for (const char* boundary : {"0", "1"}) {
    const Backend& backend = find_backend("moga_stga");
    Params params = backend.defaults();
    params.set("num_groups", "3");
    params.set("boundary_frames", boundary);
    const WindowSetting setting{4, 4, 8, boundary[0] - '0'};
    EXPECT_NEAR(plan_stats(backend.plan(in, params), in).density, moga_stga_density(3, setting),
                1e-12)
        << boundary;
  }
}

}  // namespace
}  // namespace vidattn
