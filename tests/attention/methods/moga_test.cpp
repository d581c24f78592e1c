#include <gtest/gtest.h>

#include <numeric>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

class MogaTest : public ::testing::TestWithParam<const char*> {
 protected:
  Output run(const Inputs& in, const Params& params) const {
    const Plan plan = moga_.plan(in, params);
    plan.validate(in);
    Output out;
    find_device(GetParam()).run(plan, in, out);
    return out;
  }
  Params params(int groups) const {
    Params p = moga_.defaults();
    p.set("num_groups", std::to_string(groups));
    return p;
  }
  const Backend& moga_ = find_backend("moga");
};

INSTANTIATE_TEST_SUITE_P(Devices, MogaTest, testing::Values("cpu", "reference"));

TEST_P(MogaTest, OneGroupEqualsFull) {
  for (int length : {1, 15, 17, 130}) {
    Inputs in = random_inputs(length, 2, 16);
    in.extra["router_logits"] = random_array({length, 1}, 5);
    const Backend& full = find_backend("full");
    Output expected;
    find_device(GetParam()).run(full.plan(in, full.defaults()), in, expected);
    EXPECT_LT(relative_l2(run(in, params(1)).o, expected.o), 1e-6) << length;
  }
}

TEST_P(MogaTest, PermutingTokensWithTheirGroupsPermutesTheOutput) {
  const int64_t length = 97;
  Inputs in = random_inputs(length, 2, 24);
  in.extra["router_logits"] = random_array({length, 4}, 9);
  std::vector<int64_t> to(length);
  std::iota(to.begin(), to.end(), 0);
  std::shuffle(to.begin(), to.end(), std::mt19937_64(3));
  const auto permute = [&](const Tensor& t) {
    Tensor out(length, t.heads(), t.dim());
    for (int64_t i = 0; i < length; ++i)
      for (int64_t h = 0; h < t.heads(); ++h) out.write_row(to[i], h, t.row(i, h));
    return std::make_shared<const Tensor>(std::move(out));
  };
  Inputs shuffled = in;
  shuffled.q = permute(*in.q);
  shuffled.k = permute(*in.k);
  shuffled.v = permute(*in.v);
  Array logits = *in.extra["router_logits"];
  const auto& original = in.extra["router_logits"]->as<float>("logits");
  for (int64_t i = 0; i < length; ++i)
    std::copy_n(&original[i * 4], 4, &std::get<0>(logits.values)[to[i] * 4]);
  shuffled.extra["router_logits"] = std::make_shared<const Array>(logits);
  const Output a = run(in, params(4)), b = run(shuffled, params(4));
  EXPECT_LT(relative_l2(b.o, *permute(a.o)), 1e-6);
}

TEST_P(MogaTest, TiesGoToTheLowestGroupAndTheGateIsTheProbability) {
  Inputs in = random_inputs(3, 1, 8);
  in.explain = true;
  in.extra["router_logits"] = std::make_shared<const Array>(
      Array{{3, 2}, std::vector<float>{1.0F, 1.0F, 0.0F, 2.0F, 5.0F, 5.0F}});
  const Plan plan = moga_.plan(in, params(2));
  EXPECT_EQ(plan.explained.at("group").as<int32_t>("group"), (std::vector<int32_t>{0, 1, 0}));
  const List<float>& gate = *plan.branches[0].token_weight;
  EXPECT_FLOAT_EQ(gate[0], 0.5F);
  EXPECT_FLOAT_EQ(gate[1], 1 / (1 + std::exp(-2.0F)));
  // The one-token group returns its own value times the gate.
  const Output out = run(in, params(2));
  for (int c = 0; c < 8; ++c) EXPECT_NEAR(out.o.at(1, 0, c), gate[1] * in.v->at(1, 0, c), 1e-6);
}

TEST(Moga, BalanceLossIsAlphaWhenGroupsAreUniformAndCertain) {
  Inputs in = random_inputs(8, 1, 8);
  std::vector<float> logits(32, 0.0F);
  for (int i = 0; i < 8; ++i) logits[i * 4 + i % 4] = 100;
  in.extra["router_logits"] = std::make_shared<const Array>(Array{{8, 4}, logits});
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "4");
  const Plan plan = moga.plan(in, params);
  EXPECT_NEAR(plan.figures.at("loss_eq8"), 0.1, 1e-9);
  EXPECT_NEAR(plan.figures.at("loss_switch"), 0.1, 1e-9);
  EXPECT_NEAR(plan.figures.at("loss_one_hot"), 0.1, 1e-9);
  EXPECT_DOUBLE_EQ(plan.figures.at("largest_group_over_mean"), 1);
}

TEST(Moga, CentroidRouterSendsEveryTokenToItsNearestCentre) {
  const int64_t length = 300, channels = 12, groups = 6;
  Inputs in = random_inputs(length, 1, 8);
  in.explain = true;
  in.extra["hidden"] = random_array({length, channels}, 21);
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "6");
  moga.prepare(in, params);
  const Plan plan = moga.plan(in, params);
  const auto& group = plan.explained.at("group").as<int32_t>("group");
  const auto& weight = in.need("router_weight", "test").as<float>("weight");
  const auto& bias = in.need("router_bias", "test").as<float>("bias");
  const auto& x = in.need("hidden", "test").as<float>("hidden");
  // Weight c/s² and bias -|c|²/2s² give s² = |w|² / (-2 b), and with it the centres back.
  for (int64_t i = 0; i < length; ++i) {
    int64_t nearest = -1;
    double best = INFINITY;
    for (int64_t m = 0; m < groups; ++m) {
      double norm = 0, distance = 0;
      for (int64_t c = 0; c < channels; ++c) norm += std::pow(weight[m * channels + c], 2.0);
      const double variance = -2 * bias[m] / norm;
      for (int64_t c = 0; c < channels; ++c)
        distance += std::pow(x[i * channels + c] - variance * weight[m * channels + c], 2.0);
      if (distance < best) {
        best = distance;
        nearest = m;
      }
    }
    EXPECT_EQ(group[i], nearest) << i;
  }
}

TEST(Moga, WithoutHiddenStatesItReadsTheKeysOfAllHeads) {
  const int64_t length = 70, heads = 3, dim = 8;
  const Backend& moga = find_backend("moga");
  for (const char* router : {"auto", "random"}) {
    Params params = moga.defaults();
    params.set("router", router);
    Inputs in = random_inputs(length, heads, dim);
    in.explain = true;
    Inputs same = in;
    Array keys{{length, heads * dim}, std::vector<float>(length * heads * dim)};
    for (int64_t t = 0; t < length; ++t)
      for (int64_t h = 0; h < heads; ++h)
        in.k->read_row(t, h, &std::get<std::vector<float>>(keys.values)[(t * heads + h) * dim]);
    same.extra["hidden"] = std::make_shared<const Array>(std::move(keys));
    moga.prepare(in, params);
    moga.prepare(same, params);
    const Plan plan = moga.plan(in, params), given = moga.plan(same, params);
    EXPECT_EQ(plan.explained.at("group").as<int32_t>("group"),
              given.explained.at("group").as<int32_t>("group"))
        << router;
    EXPECT_GT(plan.figures.at("largest_group_over_mean"), 1);
  }
}

TEST(Moga, RefusesLogitsOfAnotherShape) {
  Inputs in = random_inputs(10, 1, 8);
  const Backend& moga = find_backend("moga");
  in.extra["router_logits"] = random_array({10, 3}, 1);
  EXPECT_THROW(moga.plan(in, moga.defaults()), InputError);
}

}  // namespace
}  // namespace vidattn
