#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "attention/backend.h"
#include "attention/error.h"
#include "tests/support/gradients.h"

namespace vidattn::backward_test {
namespace {

struct Planned {
  std::string name;
  Inputs in;
  Plan plan;
};

/// Every method with its defaults that can plan a small video.
std::vector<Planned> plans_of_every_method() {
  std::vector<Planned> all;
  for (const Backend* backend : backends()) {
    Inputs in = random_video(4, 8, 8, 2, 16);
    try {
      backend->prepare(in, backend->defaults());
      Plan plan = backend->plan(in, backend->defaults());
      plan.validate(in);
      all.push_back({backend->name(), std::move(in), std::move(plan)});
    } catch (const InputError&) {  // wants another grid, or inputs
    }
  }
  EXPECT_GT(all.size(), 25U);
  return all;
}

void expect_pooled(const std::shared_ptr<const Tensor>& prepared, const PoolingMaps& from,
                   const Tensor& own, const std::string& what) {
  if (!prepared || !from) return;
  EXPECT_LE(gradient_error(values_of(*prepared), values_of(*pool(own, from))), 1e-6) << what;
}

/// And the slopes of values (PISA), which are of the same sets.
TEST(Backward, SlopesAreWhatTheirSetsSay) {
  int slopes = 0;
  for (const auto& [name, in, plan] : plans_of_every_method())
    for (const Branch& branch : plan.branches) {
      if (!branch.value_slope) continue;
      ++slopes;
      EXPECT_LE(gradient_error(values_of(*branch.value_slope),
                               values_of(*slope_of(in, branch.slope_from))),
                1e-5)
          << name;
    }
  EXPECT_GT(slopes, 0);
}

/// Every method that attends with means says truly what they are means of.
TEST(Backward, PreparedOperandsAreWhatTheirPoolingMapsSay) {
  std::set<std::string> pooled;
  for (const auto& [name, in, plan] : plans_of_every_method())
    for (const Branch& branch : plan.branches) {
      const Operands& from = branch.prepared;
      expect_pooled(from.q, from.q_from, *in.q, name + " q");
      expect_pooled(from.k, from.k_from, *in.k, name + " k");
      expect_pooled(from.v, from.v_from, *in.v, name + " v");
      if (from.k) pooled.insert(name);
    }
  EXPECT_TRUE(pooled.contains("vsa") && pooled.contains("nsa") && pooled.contains("sol"));
}

void expect_gradients_of_every_method(const Device& device) {
  for (const auto& [name, in, plan] : plans_of_every_method()) {
    const auto d_o = random_tensor(in.length(), in.heads(), in.value_dim(), 5);
    const Gradients want = gradients_on(find_device("reference"), plan, in, *d_o);
    const Gradients got = gradients_on(device, plan, in, *d_o);
    EXPECT_LE(gradient_error(values_of(got.q), values_of(want.q)), 1e-5) << name;
    EXPECT_LE(gradient_error(values_of(got.k), values_of(want.k)), 1e-5) << name;
    EXPECT_LE(gradient_error(values_of(got.v), values_of(want.v)), 1e-5) << name;
  }
}

TEST(Backward, EveryMethodHasTheReferencesGradients) {
  expect_gradients_of_every_method(find_device("cpu"));
}

TEST(BackwardSlow, EveryMethodHasThemOnVulkan) {
  const Device* device = nullptr;
  try {
    device = &find_device("vulkan");
  } catch (const InputError& error) {
    GTEST_SKIP() << error.what();
  }
  expect_gradients_of_every_method(*device);
}

}  // namespace
}  // namespace vidattn::backward_test
