#include "attention/methods/balance.h"

#include <gtest/gtest.h>

#include <functional>

#include "attention/backend.h"
#include "tests/support/gradients.h"

namespace vidattn {
namespace {

constexpr float kBalanceStep = 1.0F / 512;

/// Central differences of `loss` by every value of a list.
std::vector<double> differences(std::vector<float> values,
                                const std::function<double(const std::vector<float>&)>& loss) {
  std::vector<double> all;
  for (float& value : values) {
    const float before = value;
    value = before + kBalanceStep;
    const double up = loss(values);
    value = before - kBalanceStep;
    all.push_back((up - loss(values)) / (2 * double{kBalanceStep}));
    value = before;
  }
  return all;
}

class Balance : public ::testing::TestWithParam<BalanceForm> {
 protected:
  std::vector<float> logits = random_array({30, 4}, 4)->as<float>("logits");
  LinearRouter router{30, 4, 0.7, logits.data()};
  std::vector<int32_t> group = route_on_host(router).group->host();

  double loss(const std::vector<float>& scores) const {
    LinearRouter moved = router;
    moved.scores = scores.data();
    return balance_loss(moved, group, GetParam(), 0.1).value;
  }
};

INSTANTIATE_TEST_SUITE_P(Forms, Balance,
                         testing::Values(BalanceForm::assigned, BalanceForm::switch_transformer));

TEST_P(Balance, GradientsAreDifferences) {
  const BalanceLoss got = balance_loss(router, group, GetParam(), 0.1);
  EXPECT_LE(gradient_error(got.scores, differences(logits, [&](const auto& s) { return loss(s); })),
            1e-4);
}

TEST_P(Balance, ValueIsWhatThePlanReports) {
  Inputs in = random_inputs(30, 1, 8);
  in.extra["router_logits"] = random_array({30, 4}, 4);
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "4");
  params.set("temperature", "0.7");
  const Plan plan = moga.plan(in, params);
  const bool assigned = GetParam() == BalanceForm::assigned;
  EXPECT_NEAR(balance_loss(router, group, GetParam(), 0.1).value,
              plan.figures.at(assigned ? "loss_eq8" : "loss_switch"), 1e-9);
  EXPECT_NEAR(balance_loss(router, group, BalanceForm::one_hot, 0.1).value,
              plan.figures.at("loss_one_hot"), 1e-9);
}

/// A router of nearly equal probabilities that sends every token to one group.
TEST(BalanceForms, OneHotSeesWhatSwitchDoesNot) {
  const std::vector<float> scores{0.001F, 0, 0.001F, 0};
  const LinearRouter router{2, 2, 1, scores.data()};
  const BalanceLoss smooth = balance_loss(router, {0, 0}, BalanceForm::switch_transformer, 1),
                    hard = balance_loss(router, {0, 0}, BalanceForm::one_hot, 1);
  EXPECT_NEAR(smooth.value, 1, 1e-3);
  EXPECT_DOUBLE_EQ(hard.value, 2);
  EXPECT_EQ(hard.scores, smooth.scores) << "straight through the choice";
}

/// Equal groups: Switch's form is alpha, whatever the router's certainty; Eq. 8's is alpha times
/// the mean gate.
TEST(BalanceForms, DifferForEqualGroups) {
  const std::vector<float> scores{1, 0, 0, 1};
  const LinearRouter router{2, 2, 1, scores.data()};
  const double gate = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(balance_loss(router, {0, 1}, BalanceForm::switch_transformer, 0.5).value, 0.5, 1e-12);
  EXPECT_NEAR(balance_loss(router, {0, 1}, BalanceForm::assigned, 0.5).value, 0.5 * gate, 1e-12);
}

/// What the gate's gradient is, through the linear layer: a sum of gates with fixed weights.
TEST(RouterBackward, GradientsOfTheLinearLayerAreDifferences) {
  const std::vector<float> hidden = random_array({25, 6}, 5)->as<float>("hidden");
  const std::vector<float> weight = random_array({4, 6}, 6)->as<float>("weight");
  const std::vector<float> bias{0.1F, 0.2F, -0.3F, 0};
  const std::vector<float> of_gate = random_array({25}, 7)->as<float>("gate");
  LinearRouter router{25, 4, 0.8};
  router.hidden = {hidden.data(), 25, 6, 6};
  router.weight = weight.data();
  router.bias = bias.data();
  const std::vector<int32_t> group = route_on_host(router).group->host();
  // Not through route_on_host(): near ties the group of a moved token would be another.
  const auto loss = [&](const LinearRouter& moved) {
    double sum = 0;
    for (int64_t i = 0; i < 25; ++i) {
      std::vector<double> e(4);
      double total = 0;
      for (int64_t m = 0; m < 4; ++m) {
        double r = moved.bias[m];
        for (int64_t c = 0; c < 6; ++c)
          r += double{moved.hidden.data[i * 6 + c]} * moved.weight[m * 6 + c];
        total += e[m] = std::exp(r / moved.temperature);
      }
      sum += of_gate[i] * e[group[i]] / total;
    }
    return sum;
  };
  const RouterGradients got = route_backward(router, group, of_gate.data());
  const auto by = [&](const std::vector<float>& values, auto&& set) {
    return differences(values, [&](const std::vector<float>& moved) {
      LinearRouter other = router;
      set(other, moved.data());
      return loss(other);
    });
  };
  using Values = const float*;
  EXPECT_LE(gradient_error(got.hidden, by(hidden, [](auto& r, Values v) { r.hidden.data = v; })),
            1e-4);
  EXPECT_LE(gradient_error(got.weight, by(weight, [](auto& r, Values v) { r.weight = v; })), 1e-4);
  EXPECT_LE(gradient_error(got.bias, by(bias, [](auto& r, Values v) { r.bias = v; })), 1e-4);
  LinearRouter warmer = router, colder = router;
  warmer.temperature += 1e-4;
  colder.temperature -= 1e-4;
  EXPECT_NEAR(got.temperature, (loss(warmer) - loss(colder)) / 2e-4, 1e-5);
}

/// The whole way: the gradients that the backend names are differences of its output.
TEST(RouterBackward, MogaPassesGradientsToItsHiddenStates) {
  const OneThread one_thread;
  Inputs in = random_inputs(24, 1, 8);
  in.extra["hidden"] = random_array({24, 5}, 8);
  in.extra["router_weight"] = random_array({3, 5}, 9);
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "3");
  params.set("temperature", "2");
  const Device& reference = find_device("reference");
  const Plan plan = moga.plan(in, params);
  const auto d_o = random_tensor(24, 1, 8, 10);
  const Gradients gradients = gradients_on(reference, plan, in, *d_o);
  const auto found = moga.input_gradients(in, params, plan, gradients);
  ASSERT_EQ(found.size(), 2U);
  const auto loss = [&](const std::vector<float>& hidden) {
    Inputs moved = in;
    moved.extra["hidden"] = std::make_shared<const Array>(Array{{24, 5}, hidden});
    Plan other = plan;  // the same groups
    other.branches[0].token_weight = moga.plan(moved, params).branches[0].token_weight;
    Output out;
    reference.run(other, in, out);
    double sum = 0;
    for (int64_t i = 0; i < out.o.size(); ++i)
      sum += double{out.o.data<float>()[i]} * d_o->data<float>()[i];
    return sum;
  };
  const auto& hidden = in.extra["hidden"]->as<float>("hidden");
  // Gates and output are float32 here, and the step is small.
  EXPECT_LE(gradient_error(found.at("hidden").as<float>("hidden"), differences(hidden, loss)),
            2e-3);
}

}  // namespace
}  // namespace vidattn
