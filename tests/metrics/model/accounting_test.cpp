// What other papers call sparsity and FLOPs, in this project's terms: the checks behind
// metrics/model/ACCOUNTING.md.
#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/device.h"
#include "metrics/model/cost_model.h"
#include "metrics/plan/stats.h"
#include "tests/metrics/dit_models.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

double speedup_of_density(int64_t tokens, double density) {
  const DitModel wan = testing::wan_1_3b();
  return forward_cost(wan, {tokens, 1, 300}).flops() /
         forward_cost(wan, {tokens, density, 300}).flops();
}

// VMoBA prints "sparsity" 0.31 and 2.40x FLOPs for the training-free 720p setting (75,600 tokens).
TEST(Accounting, VmobasPrintedSparsityIsADensity) {
  EXPECT_NEAR(speedup_of_density(75600, 0.31), 2.40, 0.005);
  EXPECT_NEAR(speedup_of_density(75600, 1 - 0.31), 1.35, 0.005);
}

TEST(Accounting, SvgsSparsityIsADensityTarget) {
  Inputs in = random_video(16, 6, 8, 2, 16);
  in.device = &find_device("cpu");
  const Backend& svg = find_backend("svg");
  for (const char* kept : {"0.3", "0.5"}) {
    Params params = svg.defaults();
    params.set("sparsity", kept);
    const double density = plan_stats(svg.plan(in, params), in).density;
    // The band is cut at the sequence's ends and the first frame is added: near, not equal.
    EXPECT_NEAR(density, std::stod(kept), 0.12) << kept;
    EXPECT_LT(density, 1 - std::stod(kept) + 0.12) << kept;
  }
}

TEST(Accounting, VsasSparsityLeavesOutTheCoarseBranch) {
  const Inputs in = random_video(8, 16, 16, 2, 16);
  const Backend& vsa = find_backend("vsa");
  Params params = vsa.defaults();
  params.set("sparsity", "0.875");
  const PlanStats stats = plan_stats(vsa.plan(in, params), in);
  ASSERT_EQ(stats.branches.size(), 2U);
  ASSERT_EQ(stats.branches[0].name, "fine");
  EXPECT_DOUBLE_EQ(1 - stats.branches[0].density, 0.875);
  // 32 tiles attend to 32 tile means.
  EXPECT_DOUBLE_EQ(stats.branches[1].density, 32.0 * 32 / (2048.0 * 2048));
  EXPECT_GT(stats.density, stats.branches[0].density);
  EXPECT_GT(stats.planning_flops, 0);  // pooling and tile scores come on top
}

// SLA and SpargeAttn divide the FLOPs of full attention by the sparse time.
TEST(Accounting, DenseEquivalentRatesExceedExecutedOnesByOneOverDensity) {
  const Inputs in = random_video(8, 16, 16, 2, 16);
  const Backend& backend = find_backend("frame");
  const PlanStats sparse = plan_stats(backend.plan(in, backend.defaults()), in);
  const Backend& full = find_backend("full");
  const double dense_flops = plan_stats(full.plan(in, full.defaults()), in).flops;
  const double seconds = 1e-3;  // of any run
  EXPECT_DOUBLE_EQ((dense_flops / seconds) / (sparse.flops / seconds), 1 / sparse.density);
}

}  // namespace
}  // namespace vidattn
