#include "attention/methods/router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/attention/vulkan/vulkan_test.h"

namespace vidattn {
namespace {

class VulkanRouterSlow : public VulkanTest {
 protected:
  /// Small integers, which every order of summation adds exactly, with many ties.
  std::vector<float> integers(int64_t count, int from, int to) {
    std::vector<float> values(count);
    for (float& v : values) v = static_cast<float>(from + static_cast<int>(random() % (to - from)));
    return values;
  }

  void expect_same(const LinearRouter& router) {
    const Routing want = route_on_host(router), got = route_tokens(router, device);
    EXPECT_EQ(got.sizes, want.sizes);
    EXPECT_EQ(got.group->host(), want.group->host());
    EXPECT_EQ(got.order->host(), want.order->host());
    // A float32 sum of M exponentials.
    const double tolerance = 2e-6 + 1e-9 * static_cast<double>(router.groups);
    for (size_t i = 0; i < want.gate->size(); ++i)
      EXPECT_NEAR((*got.gate)[i], (*want.gate)[i], tolerance * (*want.gate)[i]) << i;
    for (size_t m = 0; m < want.sizes.size(); ++m) {
      EXPECT_NEAR(got.p_mean[m], want.p_mean[m], 2e-6);
      EXPECT_NEAR(got.p_assigned[m], want.p_assigned[m], 2e-6);
    }
  }
};

TEST_F(VulkanRouterSlow, GivenScoresWithTies) {
  for (int64_t tokens : {1, 15, 17, 255, 256, 257, 5000})
    for (int64_t groups : {1, 2, 5, 20, 300}) {
      SCOPED_TRACE(std::to_string(tokens) + " tokens, " + std::to_string(groups) + " groups");
      const auto scores = integers(tokens * groups, -3, 4);
      expect_same({tokens, groups, 1.5, scores.data()});
    }
}

TEST_F(VulkanRouterSlow, EmptyGroups) {
  std::vector<float> scores(700 * 9);
  for (int i = 0; i < 700; ++i) scores[i * 9 + 3 + i % 2 * 4] = 8;  // groups 3 and 7
  expect_same({700, 9, 1, scores.data()});
}

/// More groups than llvmpipe's kernels could loop over.
TEST_F(VulkanRouterSlow, ManyGroups) {
  for (int64_t groups : {20'000, 30'000, 65'536}) {
    const auto scores = integers(40 * groups, -1000, 1000);
    expect_same({40, groups, 100, scores.data()});
  }
}

TEST_F(VulkanRouterSlow, ScoresOfHiddenStates) {
  for (int64_t tokens : {1, 63, 65, 700})
    for (int64_t channels : {1, 17, 64, 100})
      for (bool biased : {false, true}) {
        SCOPED_TRACE(std::to_string(tokens) + " tokens, " + std::to_string(channels) + " channels");
        const int64_t groups = 21, stride = channels + 3;
        const auto hidden = integers(tokens * stride, -4, 5);
        const auto weight = integers(groups * channels, -2, 3), bias = integers(groups, -5, 6);
        expect_same({tokens,
                     groups,
                     20,
                     nullptr,
                     {hidden.data(), tokens, channels, stride},
                     weight.data(),
                     biased ? bias.data() : nullptr});
      }
}

/// Where sums are rounded, only tokens whose best scores agree to rounding may go elsewhere.
TEST_F(VulkanRouterSlow, RoundedScores) {
  const int64_t tokens = 3000, channels = 300, groups = 12;
  const auto hidden = random_tensor(tokens, 1, channels, random);
  const auto weight = random_tensor(groups, 1, channels, random);
  const LinearRouter router{
      tokens, groups, 1, nullptr, head_points(*hidden, 0), weight->data<float>()};
  const Routing want = route_on_host(router), got = route_tokens(router, device);
  const auto score = [&](int64_t token, int64_t group) {
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c)
      sum += double{hidden->row(token, 0)[c]} * weight->row(group, 0)[c];
    return sum;
  };
  for (int64_t i = 0; i < tokens; ++i)
    if ((*got.group)[i] != (*want.group)[i])
      EXPECT_NEAR(score(i, (*got.group)[i]), score(i, (*want.group)[i]), 1e-4) << i;
    else
      EXPECT_NEAR((*got.gate)[i], (*want.gate)[i], 1e-4) << i;
}

/// The whole path of a backend: the lists never come to the host, and the output is the same.
TEST_F(VulkanRouterSlow, PlanStaysOnTheDevice) {
  Inputs in = random_inputs(900, 900, 2, 1, 32, random);
  in.extra["router_logits"] =
      std::make_shared<const Array>(Array{{900, 6}, integers(900 * 6, -3, 4)});
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "6");
  const Plan host_plan = moga.plan(in, params);
  in.device = device;
  const Plan plan = moga.plan(in, params);
  Output want, got;
  find_device("reference").run(host_plan, in, want);
  device->run(plan, in, got);
  EXPECT_FALSE(plan.branches[0].tables[0].query_order->on_host());
  EXPECT_FALSE(plan.branches[0].token_weight->on_host());
  EXPECT_LE(relative_l2(got.o, want.o), 3e-6);
  expect_same_lse(got, want, 3e-6F);
  find_device("cpu").run(plan, in, got);  // any device can run it
  EXPECT_LE(relative_l2(got.o, want.o), 3e-6);
  plan.validate(in);
}

/// In little memory the plan is cut by heads, then by tokens, which looks at the lists.
TEST_F(VulkanRouterSlow, SmallMemory) {
  Inputs in = random_inputs(3000, 3000, 3, 3, 64, random);
  in.extra["router_logits"] =
      std::make_shared<const Array>(Array{{3000, 4}, integers(3000 * 4, -3, 4)});
  in.device = device;
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "4");
  const Plan plan = moga.plan(in, params);
  Output want, got;
  device->run(plan, in, want);
  for (const char* mebibytes : {"8", "3"}) {
    setenv("VIDATTN_VULKAN_MEMORY_MIB", mebibytes, 1);
    device->run(plan, in, got);
    unsetenv("VIDATTN_VULKAN_MEMORY_MIB");
    EXPECT_LE(relative_l2(got.o, want.o), 1e-6) << mebibytes;
  }
  EXPECT_TRUE(plan.branches[0].tables[0].query_order->on_host());
}

/// A device that was lost takes its lists along; the plan of the next one is whole.
TEST_F(VulkanRouterSlow, ListsOutliveAFailure) {
  const auto scores = integers(500 * 3, -3, 4);
  const LinearRouter router{500, 3, 1, scores.data()};
  const Routing before = route_tokens(router, device);
  setenv("VIDATTN_VULKAN_MEMORY_MIB", "0.001", 1);
  EXPECT_THROW(route_tokens(router, device), DeviceError);
  unsetenv("VIDATTN_VULKAN_MEMORY_MIB");
  const Routing after = route_tokens(router, device);
  EXPECT_EQ(before.order->host(), after.order->host());
}

}  // namespace
}  // namespace vidattn
