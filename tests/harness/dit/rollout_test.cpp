#include "harness/dit/rollout.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"
#include "tests/harness/files.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::random_checkpoint;
using testing::tiny_config;

RolloutTask small_task(int64_t steps = 4) {
  return {.grid = {.frames = 4, .height = 2, .width = 3, .shots = {0, 1, 3}},
          .captions = std::vector<int32_t>(3 * kCaptionTokens, 1),
          .clean = std::vector<float>(24 * kPatchChannels, 0.5F),
          .steps = steps,
          .seed = 3};
}

/// A network that predicts the same velocity everywhere.
DitNetwork constant_network(float velocity) {
  DitCheckpoint checkpoint = random_checkpoint(tiny_config());
  auto& weight = std::get<std::vector<float>>(checkpoint.weights["head.weight"].values);
  auto& bias = std::get<std::vector<float>>(checkpoint.weights["head.bias"].values);
  std::fill(weight.begin(), weight.end(), 0.0F);
  std::fill(bias.begin(), bias.end(), velocity);
  return DitNetwork(std::move(checkpoint));
}

MethodAttention attention_of(const DitNetwork& network, const std::string& backend,
                             const RolloutTask& task) {
  return {{method_for(network.config(), backend), &find_device("cpu")},
          network.config().blocks,
          task.steps};
}

Rollout painted(const DitNetwork& network, const RolloutTask& task,
                const std::string& backend = "full") {
  MethodAttention attention = attention_of(network, backend, task);
  return roll_out(network, task, attention);
}

TEST(Rollout, FollowsTheVelocityFromNoiseToTheEnd) {
  const RolloutTask task = small_task();
  const DitNetwork network = constant_network(0.25F);
  std::vector<float> wanted = standard_noise(static_cast<int64_t>(task.clean.size()), task.seed);
  for (float& value : wanted) value -= 0.25F;  // the noise level falls by 1 in all
  wanted = network.restored(wanted);
  const std::vector<float> got = painted(network, task).latents;
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-5) << i;
}

TEST(Rollout, LeavesGivenShotsAsTheyAre) {
  RolloutTask task = small_task();
  task.given = 2;
  const DitNetwork network(random_checkpoint(tiny_config()));
  const std::vector<float> got = painted(network, task).latents;
  const std::vector<float> clean = network.restored(task.clean);
  const size_t given = 3 * 6 * kPatchChannels;
  EXPECT_TRUE(std::equal(clean.begin(), clean.begin() + given, got.begin()));
  for (size_t i = given; i < got.size(); ++i) ASSERT_NE(got[i], clean[i]) << i;
}

TEST(Rollout, HangsOnSeedAndBackendAndNothingElse) {
  RolloutTask task = small_task();
  const DitNetwork network(random_checkpoint(tiny_config(2, 3)));
  const std::vector<float> first = painted(network, task).latents;
  EXPECT_EQ(painted(network, task).latents, first);
  EXPECT_NE(painted(network, task, "frame").latents, first);
  task.seed = 4;
  EXPECT_NE(painted(network, task).latents, first);
}

TEST(Rollout, TellsWhatAttentionCost) {
  const RolloutTask task = small_task();
  const DitNetwork network(random_checkpoint(tiny_config(2)));
  MethodAttention attention = attention_of(network, "frame", task);
  int64_t last = 0;
  const Rollout rollout =
      roll_out(network, task, attention, [&](int64_t done) { EXPECT_EQ(done, ++last); });
  EXPECT_EQ(last, 8);
  EXPECT_EQ(attention.costs().calls, 8);
  EXPECT_NEAR(attention.costs().density, 0.25, 1e-9) << "a frame of four";
  EXPECT_GT(attention.check().rows, 0);
  EXPECT_TRUE(attention.check().passed());
  EXPECT_EQ(rollout.failure, "");
  EXPECT_GT(rollout.seconds, attention.costs().run_seconds);
}

TEST(Rollout, HasTheWarmUpOfItsMethod) {
  const RolloutTask task = small_task();
  const DitNetwork network(random_checkpoint(tiny_config(2)));
  MethodAttention sparse =
      attention_of(network, "radial:dense_steps=0,dense_layers=0,dense_step_share=0", task);
  roll_out(network, task, sparse);
  MethodAttention warmed =
      attention_of(network, "radial:dense_steps=1,dense_layers=0,dense_step_share=0", task);
  roll_out(network, task, warmed);
  ASSERT_LT(sparse.costs().density, 1);
  EXPECT_NEAR(warmed.costs().density, 0.25 + 0.75 * sparse.costs().density, 1e-9);
}

TEST(Rollout, MethodsGetTheRoutersOfTheNetwork) {
  const DitNetwork network(random_checkpoint(tiny_config(1, 3)));
  EXPECT_EQ(method_for(network.config(), "moga").text(), "moga:num_groups=3");
  EXPECT_EQ(method_for(network.config(), "moga:num_groups=4").text(), "moga:num_groups=4");
  EXPECT_EQ(method_for(network.config(), "full").text(), "full");
  EXPECT_EQ(painted(network, small_task(), "moga_stga").failure, "");
  expect_input_error([&] { painted(network, small_task(), "moga:num_groups=4"); },
                     "router_logits must be [24,4]");
}

TEST(Rollout, RefusesTasksThatMakeNoSense) {
  RolloutTask task = small_task();
  task.given = 3;
  expect_input_error([&] { check_task(task); }, "3 of 3 shots cannot be given");
  expect_input_error([&] { check_task(small_task(1)); }, "a run has 2 to 1000 steps");
  task = small_task();
  task.shift = 0;
  expect_input_error([&] { check_task(task); }, "shift");
}

}  // namespace
}  // namespace vidattn
