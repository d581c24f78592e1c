#include "metrics/model/cost_model.h"

#include <gtest/gtest.h>

#include "tests/metrics/dit_models.h"

namespace vidattn {
namespace {

using testing::hunyuan;
using testing::wan_14b;
using testing::wan_1_3b;

double flops_of(const PassCost& cost, const std::string& name) {
  for (const CostItem& item : cost.items)
    if (item.name == name) return item.flops;
  return -1;
}

TEST(CostModel, FullAttentionOnWanGivesThePapersPflops) {
  const std::pair<int64_t, double> expected[] = {
      {62400, 0.880}, {93600, 1.858}, {124800, 3.195}, {187200, 6.945}};
  for (const auto& [tokens, pflops] : expected)
    EXPECT_NEAR(forward_cost(wan_1_3b(), {tokens}).flops() * 1e-15, pflops, 0.0005) << tokens;
}

// What VMoBA's own FLOPs script prints for Wan 1.3B, within one unit of its last digit (1246.785
// and 705.015 here): its text has 300 tokens.
TEST(CostModel, VmobasScriptIsReproducedWith300TextTokens) {
  const auto tflops = [](int64_t tokens) {
    return forward_cost(wan_1_3b(), {tokens, 1, 300}).flops() * 1e-12;
  };
  EXPECT_NEAR(tflops(75600), 1246.78, 0.006);
  EXPECT_NEAR(tflops(55296), 705.02, 0.006);
}

TEST(CostModel, WanBlockIsTheFormulaOfTheDocumentation) {
  const double n = 1000, d = 5120, f = 13824, t = 512, density = 0.3, layers = 40;
  const double expected =
      layers * (8 * n * d * d + 4 * density * n * n * d +
                (4 * n * d * d + 4 * t * d * d + 4 * n * t * d) + 4 * n * d * f);
  const PassCost cost = forward_cost(wan_14b(), {1000, 0.3});
  EXPECT_NEAR(cost.flops() / expected, 1, 1e-12);
  EXPECT_NEAR(cost.attention_flops() / (layers * 4 * density * n * n * d), 1, 1e-12);
}

TEST(CostModel, HunyuanBlocksAreTheirMatrixProducts) {
  const double n = 2000, t = 256, d = 3072, f = 12288, rows = n + t;
  const double layer = 2 * rows * (4 * d * d + 2 * d * f);
  const double pairs = 0.25 * n * n + 2 * n * t + t * t;
  const PassCost cost = forward_cost(hunyuan(), {2000, 0.25});
  EXPECT_NEAR(cost.flops() / (60 * (layer + 4 * pairs * d)), 1, 1e-12);
  EXPECT_NEAR(flops_of(cost, "joint attention") / (60 * 4 * pairs * d), 1, 1e-12);
  // Without text the joint attention is that of the video alone.
  const double share = forward_cost(hunyuan(), {100000, 0.5}).attention_flops() /
                       forward_cost(hunyuan(), {100000, 1}).attention_flops();
  EXPECT_GT(share, 0.5);
  EXPECT_LT(share, 0.51);
}

TEST(CostModel, BackwardDoublesLinearLayersAndTakesFiveAttentionProducts) {
  const PassCost forward = forward_cost(wan_1_3b(), {31200});
  const PassCost backward = backward_cost(forward);
  EXPECT_DOUBLE_EQ(flops_of(backward, "FFN"), 2 * flops_of(forward, "FFN"));
  EXPECT_DOUBLE_EQ(flops_of(backward, "self-attention"), 2.5 * flops_of(forward, "self-attention"));
  EXPECT_DOUBLE_EQ(flops_of(backward, "cross-attention"),
                   2.5 * flops_of(forward, "cross-attention"));
  EXPECT_DOUBLE_EQ(backward.bytes(), 2 * forward.bytes());
}

TEST(CostModel, TrafficReadsWeightsOnceAndEveryTokenOnce) {
  // Doubling the tokens doubles all traffic but the weights'.
  const Sequence one{10000}, two{20000};
  const double weights =
      2 * forward_cost(wan_1_3b(), one).bytes() - forward_cost(wan_1_3b(), two).bytes();
  const double d = 1536, f = 8960, t = 512;
  // Projections (8d²), FFN (2df), and the text side of the cross-attention: its input, k and v
  // written (T·d + 2T·d), then read (2T·d).
  const double expected = 30 * 2 * (8 * d * d + 2 * d * f + t * d + 4 * t * d);
  EXPECT_NEAR(weights / expected, 1, 1e-9);
}

TEST(CostModel, PlanningIsApart) {
  const double dense = forward_cost(wan_1_3b(), {187200}).flops();
  const double router = router_flops(wan_1_3b(), 187200, 20);
  EXPECT_DOUBLE_EQ(router, 2.0 * 187200 * 1536 * 20 * 30);
  EXPECT_LT(router / dense, 1e-4);
  EXPECT_DOUBLE_EQ(permute_bytes(wan_1_3b(), {187200}), 8.0 * 2 * 187200 * 1536 * 30);
  EXPECT_LT(outside_flops(wan_1_3b(), {187200}) / dense, 1e-4);
}

}  // namespace
}  // namespace vidattn
