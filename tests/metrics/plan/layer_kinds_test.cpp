#include "metrics/plan/layer_kinds.h"

#include <gtest/gtest.h>

#include "metrics/plan/stats.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

Params vmoba_params(const Settings& settings = {}) {
  Params params = find_backend("vmoba").defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

std::vector<StoodFor> of_vmoba(const StepContext& context, const Settings& settings = {}) {
  return stood_for(find_backend("vmoba"), vmoba_params(settings), context);
}

TEST(LayerKinds, ACallOfNoLayerOfARunStandsForEachKind) {
  const auto kinds = of_vmoba({.layers = 4, .step = 3, .steps = 5});  // temporal, spatial, st, …
  ASSERT_EQ(kinds.size(), 3U);
  double shares = 0;
  for (const StoodFor& kind : kinds) {
    EXPECT_EQ(kind.share, kind.context.layer == 0 ? 0.5 : 0.25) << kind.context.layer;
    EXPECT_EQ(kind.context.step, 3);
    EXPECT_EQ(kind.context.layers, 4);
    shares += kind.share;
  }
  EXPECT_EQ(shares, 1);
}

TEST(LayerKinds, OtherCallsStandForThemselves) {
  for (const StepContext& context :
       {StepContext{}, StepContext{.layer = 1, .layers = 30}, StepContext{.layers = 1}})
    EXPECT_EQ(of_vmoba(context).size(), 1U) << context.layer << " of " << context.layers;
  EXPECT_EQ(of_vmoba({.layers = 30}, {{"chunk_kind", "st"}}).size(), 1U);
  EXPECT_EQ(of_vmoba({.layer = 1, .layers = 30})[0].context.layer, 1);
  EXPECT_EQ(stood_for(find_backend("sta"), find_backend("sta").defaults(), {.layers = 30}).size(),
            1U);
}

TEST(LayerKinds, DensityIsTheMeanOfTheKinds) {
  Inputs in = random_video(5, 7, 9, 1, 8);
  const Backend& vmoba = find_backend("vmoba");
  const auto density = [&](const Settings& settings) {
    return plan_stats(vmoba.plan(in, vmoba_params(settings)), in).density;
  };
  const double temporal = density({{"chunk_kind", "temporal"}}),
               spatial = density({{"chunk_kind", "spatial"}}), st = density({{"chunk_kind", "st"}});
  EXPECT_EQ(mean_density(vmoba, vmoba_params(), in), temporal) << "a single call";
  in.context.layers = 5;  // 2 temporal, 2 spatial, 1 st
  const double mean = 0.4 * temporal + 0.4 * spatial + 0.2 * st;
  EXPECT_NEAR(mean_density(vmoba, vmoba_params(), in), mean, 1e-12);
  EXPECT_NEAR(mean_layer_density(vmoba, vmoba_params(), in, temporal, 5), mean, 1e-12);
  in.context.layer = 2;
  EXPECT_EQ(mean_density(vmoba, vmoba_params(), in), st);
}

}  // namespace
}  // namespace vidattn
