#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "attention/backend.h"
#include "tests/attention/vulkan/vulkan_test.h"
#include "tests/support/gradients.h"

namespace vidattn {
namespace {

/// What only Vulkan devices have; tests/attention/backward/device_backward_test.cpp holds for any.
class VulkanBackwardSlow : public VulkanTest {
 protected:
  static void expect_near(const Gradients& got, const Gradients& want, double limit) {
    for (const auto which : {&Gradients::q, &Gradients::k, &Gradients::v})
      EXPECT_LE(gradient_error(values_of(got.*which), values_of(want.*which)), limit);
    for (size_t b = 0; b < want.branches.size(); ++b)
      EXPECT_LE(gradient_error(got.branches[b].token_weight, want.branches[b].token_weight), limit);
  }

  void expect_gradients(const Plan& plan, const Inputs& in, double limit = 5e-6) {
    const auto d_o = random_tensor(in.length(), in.heads(), in.value_dim(), random);
    expect_near(gradients_on(*device, plan, in, *d_o),
                gradients_on(find_device("reference"), plan, in, *d_o), limit);
  }
};

/// More than llvmpipe's limit on loop iterations lets one invocation walk.
TEST_F(VulkanBackwardSlow, LongLists) {
  const int32_t many = 60'000;
  expect_gradients(one_branch({.tables = {full_table(20, many)}}),
                   random_inputs(20, many, 1, 1, 16, random), 2e-5);
  HeadTable band;
  band.add(0, many, {{0, 20, KeyRange::kNoLow, -3}});
  expect_gradients(one_branch({.tables = {band}}), random_inputs(many, 20, 1, 1, 16, random), 2e-5);
}

TEST_F(VulkanBackwardSlow, TransfersThroughStaging) {
  const Inputs in = random_inputs(130, 130, 2, 1, 24, random);
  setenv("VIDATTN_VULKAN_STAGING", "1", 1);
  expect_gradients(one_branch({.tables = {ragged_table(130, 130, random)}, .weight = 0.5F}), in);
  unsetenv("VIDATTN_VULKAN_STAGING");
}

/// Less memory: fewer heads at once, that straddle those which share a key head, then a refusal.
TEST_F(VulkanBackwardSlow, SmallMemory) {
  const Inputs in = random_inputs(700, 700, 6, 3, 24, random);
  const Plan plan =
      one_branch({.tables = {ragged_table(700, 700, random), ragged_table(700, 700, random)}});
  const auto d_o = random_tensor(700, 6, 24, random);
  Output out;
  out.keep = true;
  device->run(plan, in, out);
  Gradients want, got;
  device->backward(plan, in, out, *d_o, want);
  int refused = 0;
  for (const char* mebibytes : {"4", "3", "2", "1", "0.5", "0.1"}) {
    SCOPED_TRACE(mebibytes);
    setenv("VIDATTN_VULKAN_MEMORY_MIB", mebibytes, 1);
    try {
      device->backward(plan, in, out, *d_o, got);
      expect_near(got, want, 1e-6);
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("the backward pass of one head"), std::string::npos)
          << error.what();
      ++refused;
    }
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 2);
}

/// A run that keeps what the backward pass needs has the output and LSE of one that does not.
TEST_F(VulkanBackwardSlow, KeptRunsAreTheSame) {
  for (DType dtype : {DType::f32, DType::bf16}) {
    const Inputs in = as(random_inputs(120, 120, 2, 1, 32, random), dtype);
    const Plan plan = many_branches(120, 2, 32, random);
    Output plain, kept;
    kept.keep = true;
    device->run(plan, in, plain);
    device->run(plan, in, kept);
    EXPECT_EQ(kept.o.dtype(), dtype);
    EXPECT_LE(relative_l2(kept.o, plain.o), dtype == DType::f32 ? 1e-6 : 1e-3);
    expect_same_lse(kept, plain, 1e-6F);
  }
}

/// MoGA's lists lie on the device, which threads of the host would ask for its gates in vain while
/// another one uses it.
TEST_F(VulkanBackwardSlow, ListsOnTheDevice) {
  Inputs in = random_inputs(150, 2, 32);
  in.extra["router_logits"] =
      std::make_shared<const Array>(Array{{150, 3}, random_weights(150 * 3, random)});
  in.device = device;
  const Backend& moga = find_backend("moga");
  Params params = moga.defaults();
  params.set("num_groups", "3");
  const Plan plan = moga.plan(in, params);
  Output out;
  out.keep = true;
  Gradients got;
  device->run(plan, in, out);
  ASSERT_TRUE(plan.branches[0].token_weight->resident());
  device->backward(plan, in, out, *in.v, got);
  expect_near(got, gradients_on(find_device("reference"), plan, in, *in.v), 5e-6);
}

/// In the words of the other devices.
TEST_F(VulkanBackwardSlow, RefusesWhatTheCpuRefuses) {
  const Inputs in = random_inputs(8, 2, 4);
  Plan prepared = one_branch({.name = "means", .tables = {full_table(8, 8)}}), linear = prepared;
  prepared.branches[0].prepared.k = in.k;
  linear.linear.push_back({.name = "linear", .q = in.q, .k = in.k});
  const auto said = [&](const Device& by, const Plan& plan) -> std::string {
    Gradients gradients;
    try {
      by.backward(plan, in, {}, *in.v, gradients);
    } catch (const InputError& error) {
      return error.what();
    }
    return "nothing";
  };
  for (const Plan& plan : {prepared, linear}) {
    EXPECT_NE(said(*device, plan), "nothing");
    EXPECT_EQ(said(*device, plan), said(find_device("cpu"), plan));
  }
}

}  // namespace
}  // namespace vidattn
