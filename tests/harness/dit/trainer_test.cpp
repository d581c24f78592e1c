#include "harness/dit/training/trainer.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <limits>

#include "harness/dit/method_attention.h"
#include "harness/dit/training/batch.h"
#include "harness/workloads/dit/network.h"
#include "tests/harness/dit/toy.h"

namespace vidattn {
namespace {

const std::vector<float>& floats(const DitArrays& arrays, const std::string& name) {
  return std::get<std::vector<float>>(arrays.at(name).values);
}

class Trainer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch_available()) GTEST_SKIP() << "built without libtorch";
  }

  static DitBatch batch_of(const DitConfig& config, std::vector<VideoGrid>& grids,
                           int64_t step = 0) {
    BatchSource source(config, {.clips = 4}, measure_latents(config, 1));
    DitBatch batch = source.batch(step);
    grids = source.grids();
    return batch;
  }

  static DitArrays gradients(const DitConfig& config, const DitArrays& weights,
                             const VisualAttentionSettings& attention, TrainerSettings settings,
                             StepReport* report = nullptr) {
    std::vector<VideoGrid> grids;
    const DitBatch batch = batch_of(config, grids);
    ToolAttentionMaker maker(config, attention);
    maker.begin(grids);
    StepReport own;
    return make_trainer(config, weights, settings)
        ->gradients(batch, maker, report != nullptr ? *report : own);
  }

  /// Central differences of the loss by a router's weights, in steps so small that no group
  /// changes.
  static void expect_routers_learn(DitText text) {
    const DitConfig config = toy_config(3, text);
    const std::string name = "blocks.0.router.weight";
    DitArrays weights = toy_weights(config);
    for (const char* loud : {"blocks.0.o.weight", "blocks.0.modulation", "head.weight"})
      for (float& value : std::get<std::vector<float>>(weights.at(loud).values)) value *= 8;
    const auto attention = toy_attention("moga:num_groups=3");
    const DitArrays gradient = gradients(config, weights, attention, {});
    const std::vector<float>& found = floats(gradient, name);
    const auto largest = std::max_element(
        found.begin(), found.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
    float& weight = std::get<std::vector<float>>(weights.at(name).values)[largest - found.begin()];
    const auto loss_at = [&](float value) {
      StepReport report;
      weight = value;
      gradients(config, weights, attention, {}, &report);
      return report.loss;
    };
    constexpr float kStep = 1e-3F;
    const float before = weight;
    const double difference = (loss_at(before + kStep) - loss_at(before - kStep)) / (2 * kStep);
    EXPECT_NE(*largest, 0);
    EXPECT_NEAR(difference, *largest, 0.1 * std::abs(*largest));
  }
};

/// Largest difference over the largest value of `expected`.
double difference(const std::vector<float>& got, const std::vector<float>& expected) {
  double most = 0, apart = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    most = std::max<double>(most, std::abs(expected[i]));
    apart = std::max<double>(apart, std::abs(got[i] - expected[i]));
  }
  return most > 0 ? apart / most : apart;
}

/// A training before another one, or before painting, takes no thread of it.
TEST_F(Trainer, LeavesTheThreadsAsTheyWere) {
  constexpr int kThreads = 3;
  omp_set_num_threads(kThreads);
  const DitConfig config = toy_config(0);
  make_trainer(config, toy_weights(config), {});
  EXPECT_EQ(omp_get_max_threads(), kThreads);
}

TEST_F(Trainer, GradientsThroughTheToolAreThoseOfLibtorchsOwnAttention) {
  for (const DitText text : {DitText::cross, DitText::joint}) {
    const DitConfig config = toy_config(0, text);
    const DitArrays weights = toy_weights(config);
    StepReport by_tool, by_torch;
    const DitArrays tool = gradients(config, weights, toy_attention("full"), {}, &by_tool);
    const DitArrays torch =
        gradients(config, weights, toy_attention("full"), {.dense = true}, &by_torch);
    EXPECT_NEAR(by_tool.loss, by_torch.loss, 1e-5 * by_torch.loss);
    ASSERT_EQ(tool.size(), dit_parameters(config).size());
    for (const auto& [name, array] : torch) {
      EXPECT_LT(difference(floats(tool, name), floats(torch, name)), 1e-4) << name;
      double sum = 0;
      for (const float value : floats(torch, name)) sum += std::abs(value);
      EXPECT_GT(sum, 0) << name << " has no gradient";
    }
  }
}

// Angles between gradients: a single value may be far off in bf16 where larger ones cancel.
TEST_F(Trainer, GradientsOfBf16AreNearThoseOfF32) {
  const DitConfig config = toy_config();
  const DitArrays weights = toy_weights(config);
  auto attention = toy_attention("full");
  const DitArrays wide = gradients(config, weights, attention, {});
  attention.dtype = DType::bf16;
  const DitArrays narrow = gradients(config, weights, attention, {.bf16 = true});
  for (const auto& [name, array] : wide) {
    double product = 0, squares = 0, narrow_squares = 0;
    for (size_t i = 0; i < floats(wide, name).size(); ++i) {
      const double a = floats(wide, name)[i], b = floats(narrow, name)[i];
      product += a * b, squares += a * a, narrow_squares += b * b;
    }
    if (squares == 0) continue;
    EXPECT_GT(product / std::sqrt(squares * narrow_squares), 0.99) << name;
    EXPECT_NEAR(std::sqrt(narrow_squares / squares), 1, 0.05) << name;
  }
  EXPECT_NE(floats(wide, "blocks.0.ffn.0.weight"), floats(narrow, "blocks.0.ffn.0.weight"));
}

TEST_F(Trainer, GradientsDoNotDependOnTheNumberOfThreads) {
  const DitConfig config = toy_config(3);
  const DitArrays weights = toy_weights(config);
  const auto attention = toy_attention("moga_stga:num_groups=3", 0.1);
  const DitArrays one = gradients(config, weights, attention, {.threads = 1});
  const DitArrays two = gradients(config, weights, attention, {.threads = 2});
  for (const auto& [name, array] : one) EXPECT_EQ(floats(one, name), floats(two, name)) << name;
}

TEST_F(Trainer, RoutersLearnThroughTheirGate) {
  for (const DitText text : {DitText::cross, DitText::joint}) expect_routers_learn(text);
}

TEST_F(Trainer, BalanceLossReachesTheRouter) {
  const DitConfig config = toy_config(3);
  const DitArrays weights = toy_weights(config);
  const auto without = gradients(config, weights, toy_attention("moga:num_groups=3"), {});
  const auto with = gradients(config, weights, toy_attention("moga:num_groups=3", 10), {});
  const std::string router = "blocks.1.router.weight";
  EXPECT_NE(floats(without, router), floats(with, router));
  EXPECT_EQ(floats(without, "head.weight"), floats(with, "head.weight"));
}

TEST_F(Trainer, GoesOnBitForBit) {
  const DitConfig config = toy_config(3);
  const DitArrays weights = toy_weights(config);
  const auto attention = toy_attention("moga_stga:num_groups=3", 0.1);
  BatchSource source(config, {.clips = 4}, measure_latents(config, 1));
  ToolAttentionMaker maker(config, attention);
  const auto steps = [&](DitTrainer& trainer, int64_t from, int64_t to) {
    for (int64_t step = from; step < to; ++step) {
      const DitBatch batch = source.batch(step);
      maker.begin(source.grids());
      trainer.step(batch, maker, 1e-3);
    }
  };
  const auto whole = make_trainer(config, weights, {});
  steps(*whole, 0, 6);
  const auto first = make_trainer(config, weights, {});
  steps(*first, 0, 3);
  const auto second = make_trainer(config, first->weights(), {});
  second->restore(first->state());
  steps(*second, 3, 6);
  for (const auto& [name, array] : whole->weights()) {
    EXPECT_EQ(floats(whole->weights(), name), floats(second->weights(), name)) << name;
    EXPECT_EQ(floats(whole->averaged(), name), floats(second->averaged(), name)) << name;
    EXPECT_NE(floats(whole->weights(), name), floats(weights, name)) << name << " did not move";
  }
}

TEST_F(Trainer, SaysWhatAStateLacks) {
  const DitConfig config = toy_config(0);
  const auto trainer = make_trainer(config, toy_weights(config), {});
  BatchSource source(config, {.clips = 4}, measure_latents(config, 1));
  ToolAttentionMaker maker(config, toy_attention("full"));
  const DitBatch batch = source.batch(0);
  maker.begin(source.grids());
  trainer->step(batch, maker, 1e-3);
  for (const std::string name :
       {"momentum.blocks.0.q.weight", "first.words", "second.head.weight", "mean.patch.bias"}) {
    DitArrays state = trainer->state();
    EXPECT_EQ(state.erase(name), 1U) << name;
    try {
      trainer->restore(state);
      ADD_FAILURE() << name;
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
}

/// What libtorch predicts for a batch is what the network computes without it.
void expect_same_predictions(const DitConfig& config, const std::string& backend,
                             const DitBatch& batch, const std::vector<VideoGrid>& grids) {
  ToolAttentionMaker maker(config, toy_attention(backend));
  maker.begin(grids);
  DitCheckpoint checkpoint{.config = config, .weights = toy_weights(config)};
  const std::vector<float> by_torch =
      make_trainer(config, checkpoint.weights, {.threads = 2})->predict(batch, maker);
  checkpoint.weights.merge(measure_latents(config, 1));
  const DitNetwork network(std::move(checkpoint));
  MethodAttention method({parse_backend(backend), &find_device("cpu")}, config.blocks, 1);
  method.begin_step(0);
  for (int64_t clip = 0; clip < batch.clips; ++clip) {
    const auto shots = static_cast<int64_t>(grids[clip].shots.size());
    const auto captions = batch.captions.begin() + clip * batch.shots * batch.words;
    const std::vector<int32_t> words(captions, captions + shots * batch.words);
    const auto sigma = batch.sigma.begin() + clip * batch.shots;
    const int64_t values = batch.tokens * batch.channels;
    const std::vector<float> by_network =
        network.velocity({grids[clip], &batch.noisy[clip * values],
                          std::vector<double>(sigma, sigma + shots), &words},
                         [&](int64_t block, Inputs& in) { return method.attend(block, in); });
    EXPECT_LT(difference(by_network, {by_torch.begin() + clip * values,
                                      by_torch.begin() + (clip + 1) * values}),
              1e-4)
        << to_string(config.text) << ", clip " << clip << " with " << shots << " shots";
  }
}

TEST_F(Trainer, PredictsWhatTheNetworkComputesWithoutLibtorch) {
  for (const DitText text : {DitText::cross, DitText::joint}) {
    const DitConfig config = toy_config(3, text);
    std::vector<VideoGrid> grids;
    const DitBatch batch = batch_of(config, grids);
    expect_same_predictions(config, "moga_stga:num_groups=3", batch, grids);
  }
}

TEST_F(Trainer, ParametersStayWhereTheLossIsNotFinite) {
  const DitConfig config = toy_config();
  DitArrays weights = toy_weights(config);
  std::vector<VideoGrid> grids;
  DitBatch batch = batch_of(config, grids);
  batch.velocity[0] = std::numeric_limits<float>::infinity();
  batch.weight[0] = 1;
  ToolAttentionMaker maker(config, toy_attention("full"));
  maker.begin(grids);
  const auto trainer = make_trainer(config, weights, {});
  EXPECT_EQ(trainer->step(batch, maker, 1e-3).not_finite, "the loss");
  for (const auto& [name, array] : trainer->weights())
    EXPECT_EQ(floats(trainer->weights(), name), floats(weights, name)) << name;
}

TEST_F(Trainer, SaysWhichBlockWasNotFiniteFirst) {
  const DitConfig config = toy_config();
  DitArrays weights = toy_weights(config);
  for (float& value : std::get<std::vector<float>>(weights.at("blocks.1.ffn.1.weight").values))
    value = 1e38F;
  std::vector<VideoGrid> grids;
  const DitBatch batch = batch_of(config, grids);
  ToolAttentionMaker maker(config, toy_attention("full"));
  maker.begin(grids);
  EXPECT_EQ(make_trainer(config, weights, {})->step(batch, maker, 1e-3).not_finite, "block 1");
}

}  // namespace
}  // namespace vidattn
