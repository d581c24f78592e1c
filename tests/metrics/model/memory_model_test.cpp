#include "metrics/model/memory_model.h"

#include <gtest/gtest.h>

#include "tests/metrics/dit_models.h"

namespace vidattn {
namespace {

using testing::hunyuan;
using testing::wan_14b;

TEST(MemoryModel, WeightsAndStatesFollowFromTheParameters) {
  const auto parameters = static_cast<double>(wan_14b().parameters());
  MemoryOptions options;
  EXPECT_DOUBLE_EQ(estimate_memory(wan_14b(), 187200, options).weights, 2 * parameters);
  EXPECT_DOUBLE_EQ(estimate_memory(wan_14b(), 187200, options).training_states,
                   16 * parameters / 8);
  options.shard_states = false;
  EXPECT_DOUBLE_EQ(estimate_memory(wan_14b(), 187200, options).training_states, 16 * parameters);
}

TEST(MemoryModel, CheckpointsAreBlockInputsAndOneBlock) {
  const MemoryOptions options;
  const MemoryEstimate m = estimate_memory(wan_14b(), 187200, options);
  const double local = 187200.0 / 8, d = 5120, f = 13824;
  const double block = 2 * local * (15 * d + 2 * f + 40 * 2);
  EXPECT_DOUBLE_EQ(m.activations, 40 * block);
  EXPECT_DOUBLE_EQ(m.checkpoints, 40 * 2 * local * d + block);
  EXPECT_LT(m.training(true), m.training(false));
}

TEST(MemoryModel, BranchesAndTokensOnlyAdd) {
  MemoryOptions one, three;
  three.branches = 3;
  for (const DitModel& model : {wan_14b(), hunyuan()}) {
    const MemoryEstimate a = estimate_memory(model, 100000, one);
    const MemoryEstimate b = estimate_memory(model, 100000, three);
    EXPECT_GT(b.activations, a.activations);
    EXPECT_GE(b.forward_workspace, a.forward_workspace);
    EXPECT_GT(estimate_memory(model, 200000, one).inference(), a.inference());
    EXPECT_EQ(a.weights, b.weights);
  }
}

}  // namespace
}  // namespace vidattn
