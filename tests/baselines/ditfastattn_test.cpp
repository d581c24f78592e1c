#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::ditfastattn_test {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const Backend& method() { return find_backend("ditfastattn"); }

Params with(const Settings& settings) {
  Params params = method().defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return params;
}

std::shared_ptr<const Array> as_array(const Tensor& t) {
  return std::make_shared<const Array>(to_array(t));
}

std::vector<double> outputs(const Plan& plan, const Inputs& in) {
  plan.validate(in);
  return reference_rows(plan, in, {}).o;
}

std::vector<double> full_output(const Inputs& in) {
  return outputs(find_backend("full").plan(in, find_backend("full").defaults()), in);
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-6) << i;
}

TEST(DitFastAttn, WindowsIncludeBothEnds) {
  const Inputs in = random_inputs(50, 1, 8);
  struct Case {
    Settings settings;
    int64_t left, right;
  };
  const std::vector<Case> cases{{{{"window_left", "5"}, {"window_right", "20"}}, 5, 20},
                                {{{"window_left", "-1"}, {"window_right", "0"}}, 50, 0},
                                {{{"window_left", "0"}, {"window_right", "-1"}}, 0, 50},
                                {{{"window_left", "99"}, {"window_right", "3"}}, 99, 3},
                                {{{"window_share", "0.13"}}, 6, 6},
                                {{{"window_share", "1"}}, 50, 50},
                                {{}, 3, 3}};
  for (const Case& c : cases) {
    const Plan plan = method().plan(in, with(c.settings));
    plan.validate(in);
    for (int64_t i = 0; i < 50; ++i) {
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < 50; ++j)
        if (i - c.left <= j && j <= i + c.right) expected.push_back(j);
      EXPECT_EQ(visible_keys(plan.branches[0], in, i, 0), expected);
    }
  }
}

TEST(DitFastAttn, TokenMajorWindowsSlideOverTheFramesOfAPosition) {
  Inputs in = random_inputs(3 * 4 * 5 + 2, 1, 8);
  in.grid.frames = 3;
  in.grid.height = 4;
  in.grid.width = 5;
  in.grid.text_tokens = 2;
  const Params params =
      with({{"order", "token_major"}, {"window_left", "4"}, {"window_right", "2"}});
  const Plan plan = method().plan(in, params);
  plan.validate(in);
  const auto place = [](int64_t i) { return i < 60 ? i % 20 * 3 + i / 20 : i; };
  for (int64_t i = 0; i < 62; ++i) {
    std::vector<int64_t> expected;
    for (int64_t j = 0; j < 62; ++j)
      if (place(i) - 4 <= place(j) && place(j) <= place(i) + 2) expected.push_back(j);
    EXPECT_EQ(visible_keys(plan.branches[0], in, i, 0), expected) << i;
  }
  in.grid = {};
  EXPECT_THROW(method().plan(in, params), InputError);
}

TEST(DitFastAttn, AddsTheResidualOfTheGivenCacheStep) {
  Inputs in = random_inputs(40, 4, 8, 1);
  in.k = random_tensor(40, 2, 8, 91);  // grouped heads
  in.v = random_tensor(40, 2, 8, 92);
  Inputs first = random_inputs(40, 4, 8, 2);
  first.k = random_tensor(40, 2, 8, 93);
  first.v = random_tensor(40, 2, 8, 94);
  const Params params = with({{"window_left", "4"}, {"window_right", "3"}});
  const auto window = outputs(method().plan(in, params), in);  // nothing cached: residual 0
  const auto first_window = outputs(method().plan(first, params), first);
  const auto first_full = full_output(first);
  in.extra = {{"q0", as_array(*first.q)}, {"k0", as_array(*first.k)}, {"v0", as_array(*first.v)}};
  in.device = &find_device("cpu");
  const Plan plan = method().plan(in, params);
  auto expected = window;
  for (size_t i = 0; i < expected.size(); ++i) expected[i] += first_full[i] - first_window[i];
  expect_near(outputs(plan, in), expected);
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_EQ(plan.stages[0].flops, 4.0 * 8 * 4 * (40 * 40 + 40 * 8 - 10 - 6));
}

TEST(DitFastAttn, ARunRenewsTheResidualAtItsCacheSteps) {
  const Params params = with({{"window_share", "0.1"}, {"cache_interval", "3"}});
  StepCache cache;
  Inputs in[5];
  for (int64_t step = 0; step < 5; ++step) {
    in[step] = random_inputs(30, 2, 8, 10 + step);
    in[step].device = &find_device("cpu");
    in[step].context = {.layer = 1, .layers = 2, .step = step, .steps = 5, .cache = &cache};
  }
  const auto alone = [&](int64_t step) {
    Inputs single = in[step];
    single.context = {};
    return outputs(method().plan(single, params), single);
  };
  for (int64_t step = 0; step < 5; ++step) {
    const int64_t cached = step < 3 ? 0 : 3;
    auto expected = alone(step);
    const auto full = full_output(in[cached]), window = alone(cached);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += full[i] - window[i];
    const Plan plan = method().plan(in[step], params);
    expect_near(outputs(plan, in[step]), expected);
    EXPECT_EQ(plan.branches[0].name, step == cached ? "full" : "window");
  }
  EXPECT_EQ(cache.tensors.size(), 1U);
}

TEST(DitFastAttn, ALayerWithoutResidualStartsWithACacheStep) {
  StepCache cache;
  Inputs in = random_inputs(30, 1, 8);
  in.device = &find_device("cpu");
  in.context = {.layer = 0, .layers = 1, .step = 2, .steps = 5, .cache = &cache};
  EXPECT_EQ(method().plan(in, method().defaults()).branches[0].name, "full");
  EXPECT_EQ(method().plan(in, method().defaults()).branches[0].name, "window");
}

TEST(DitFastAttn, RefusesIncompleteCacheSteps) {
  Inputs in = random_inputs(12, 2, 8);
  in.device = &find_device("cpu");
  in.extra["q0"] = as_array(*in.q);
  EXPECT_THROW(method().plan(in, method().defaults()), InputError);
  in.extra["k0"] = in.extra["v0"] = as_array(*random_tensor(12, 1, 8, 5));
  EXPECT_THROW(method().plan(in, method().defaults()), InputError);
  in.extra["k0"] = in.extra["v0"] = as_array(*in.k);
  EXPECT_NO_THROW(method().plan(in, method().defaults()));
  in.device = nullptr;
  EXPECT_THROW(method().plan(in, method().defaults()), InputError);
  EXPECT_THROW(with({{"window_left", "-3"}}), InputError);
}

TEST(DitFastAttn, RunDensityCountsCacheStepsAndSkippedCalls) {
  const auto density = [](const Settings& settings) {
    return method().run_density(with(settings), 0.1, 10, 7);
  };
  EXPECT_NEAR(density({{"cache_interval", "5"}}), (2 + 8 * 0.1) / 10, 1e-12);
  // Steps 1, 3, 7 and 9 reuse an output; step 5 would, but it renews the residual.
  const Settings sharing{{"cache_interval", "5"}, {"share_steps", "2"}};
  EXPECT_NEAR(density(sharing), (2 + 4 * 0.1) / 10, 1e-12);
  EXPECT_NEAR(density({{"cache_interval", "5"}, {"share_cfg", "true"}}), (2 + 8 * 0.1) / 20, 1e-12);
  const auto kind = [&](int64_t step) {
    return to_text(method().derived(with(sharing), {.step = step, .steps = 10}).at("step_kind"));
  };
  EXPECT_EQ(kind(7), "output of the step before");
  EXPECT_NE(kind(5), kind(7));
  EXPECT_NE(kind(5), kind(6));
  EXPECT_TRUE(method().derived(with(sharing), {}).empty());
}

}  // namespace
}  // namespace vidattn::ditfastattn_test
