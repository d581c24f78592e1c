#include "harness/workloads/dit/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "attention/backend.h"
#include "attention/device.h"
#include "harness/host/random.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"
#include "tests/harness/files.h"
#include "tests/harness/workloads/dit/plain_network.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::PlainNetwork;
using testing::random_checkpoint;
using testing::tiny_config;

/// Random latents and captions for a grid, and a noise level for each shot.
struct MadeInput {
  explicit MadeInput(const VideoGrid& grid) {
    Random random(7);
    for (int64_t i = 0; i < grid.video_tokens() * kPatchChannels; ++i)
      latents.push_back(static_cast<float>(random.normal()));
    for (size_t i = 0; i < grid.shots.size() * kCaptionTokens; ++i)
      captions.push_back(static_cast<int32_t>(random.below(kCaptionVocabulary)));
    input.grid = grid;
    input.latents = latents.data();
    for (size_t s = 0; s < grid.shots.size(); ++s) input.sigmas.push_back(s == 0 ? 0 : 0.3 * s);
    input.captions = &captions;
  }
  MadeInput(const MadeInput&) = delete;
  MadeInput& operator=(const MadeInput&) = delete;

  std::vector<float> latents;
  std::vector<int32_t> captions;
  DitInput input;
};

/// Full attention on a device.
Tensor attend_in_full(const char* device, const Inputs& in) {
  Output out;
  find_device(device).run(full_plan(in), in, out);
  return std::move(out.o);
}

DitNetwork::Attend full_on(const char* device) {
  return [device](int64_t, Inputs& in) { return attend_in_full(device, in); };
}

double distance(const std::vector<float>& got, const PlainNetwork::Rows& wanted) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double value = wanted[i / kPatchChannels][i % kPatchChannels];
    error += (got[i] - value) * (got[i] - value);
    norm += value * value;
  }
  return std::sqrt(error / norm);
}

TEST(DitNetwork, IsWhatTheTextSays) {
  const VideoGrid one{.frames = 1, .height = 1, .width = 1},
      odd{.frames = 3, .height = 5, .width = 1},
      four{.frames = 5, .height = 2, .width = 3, .shots = {0, 1, 2, 4}};
  for (const auto& [blocks, text] : {std::pair{1, DitText::cross},
                                     {2, DitText::cross},
                                     {1, DitText::joint},
                                     {2, DitText::joint}})
    for (const VideoGrid& grid : {one, odd, four}) {
      const DitCheckpoint checkpoint = random_checkpoint(tiny_config(blocks, 3, text));
      const MadeInput made(grid);
      const PlainNetwork::Rows wanted = PlainNetwork(checkpoint).velocity(made.input);
      const DitNetwork network(checkpoint);
      for (const char* device : {"reference", "cpu"}) {
        const std::vector<float> got = network.velocity(made.input, full_on(device));
        ASSERT_EQ(got.size(), made.latents.size());
        EXPECT_LT(distance(got, wanted), 1e-5)
            << device << ", " << blocks << " blocks, " << to_string(text) << ", " << grid.tokens()
            << " tokens";
      }
    }
}

TEST(DitNetwork, EveryParameterMatters) {
  const VideoGrid grid{.frames = 3, .height = 2, .width = 2, .shots = {0, 2}};
  const MadeInput made(grid);
  for (const DitText text : {DitText::cross, DitText::joint}) {
    const DitConfig config = tiny_config(2, 0, text);
    const DitCheckpoint checkpoint = random_checkpoint(config);
    const std::vector<float> before = DitNetwork(checkpoint).velocity(made.input, full_on("cpu"));
    for (const DitParameter& parameter : dit_parameters(config)) {
      DitCheckpoint changed = checkpoint;
      for (float& value : std::get<std::vector<float>>(changed.weights[parameter.name].values))
        value += 0.5F * std::sin(100 * value);
      EXPECT_NE(DitNetwork(changed).velocity(made.input, full_on("cpu")), before) << parameter.name;
    }
  }
}

TEST(DitNetwork, WordsOfMmditAreTextTokensWhoseShotsAreToldApart) {
  const DitNetwork network(random_checkpoint(tiny_config(2, 3, DitText::joint)));
  const VideoGrid grid{.frames = 4, .height = 1, .width = 2, .shots = {0, 2}};
  const MadeInput made(grid);
  const Inputs in = network.attention_inputs(made.input, 1, full_on("cpu"));
  EXPECT_EQ(in.grid.text_tokens, 2 * kCaptionTokens);
  EXPECT_EQ(in.length(), 8 + 2 * kCaptionTokens);
  EXPECT_EQ(in.need("router_logits", "test").shape, (std::vector<int64_t>{8, 3}));
  in.validate();
  // The captions of the shots exchanged are other captions.
  std::vector<int32_t> exchanged(made.captions.begin() + kCaptionTokens, made.captions.end());
  exchanged.insert(exchanged.end(), made.captions.begin(), made.captions.begin() + kCaptionTokens);
  DitInput other = made.input;
  other.sigmas = {0.5, 0.5};
  const std::vector<float> before = network.velocity(other, full_on("cpu"));
  other.captions = &exchanged;
  EXPECT_NE(network.velocity(other, full_on("cpu")), before);
}

TEST(DitNetwork, ShotsAreToldApart) {
  const DitNetwork network(random_checkpoint(tiny_config()));
  const VideoGrid grid{.frames = 4, .height = 1, .width = 2, .shots = {0, 2}};
  const MadeInput made(grid);
  // Without attention nothing goes from shot to shot.
  const auto nothing = [](int64_t, Inputs& in) {
    return Tensor(in.length(), in.heads(), in.dim());
  };
  const std::vector<float> before = network.velocity(made.input, nothing);
  std::vector<int32_t> captions = made.captions;
  captions[kCaptionTokens] = (captions[kCaptionTokens] + 1) % kCaptionVocabulary;
  DitInput other = made.input;
  other.captions = &captions;
  const std::vector<float> after = network.velocity(other, nothing);
  const size_t half = before.size() / 2;
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + half, after.begin()));
  EXPECT_FALSE(std::equal(before.begin() + half, before.end(), after.begin() + half));
}

TEST(DitNetwork, AttentionReadsWhatTheLayerHas) {
  const DitNetwork network(random_checkpoint(tiny_config(2, 3)));
  const VideoGrid grid{.frames = 3, .height = 2, .width = 2, .shots = {0, 1}};
  const MadeInput made(grid);
  Inputs seen;
  network.velocity(made.input, [&](int64_t block, Inputs& in) {
    if (block == 1) seen = in;
    return attend_in_full("cpu", in);
  });
  const Inputs in = network.attention_inputs(made.input, 1, full_on("cpu"));
  EXPECT_EQ(in.q->length(), 12);
  EXPECT_EQ(in.q->heads(), 2);
  EXPECT_EQ(in.q->dim(), 16);
  EXPECT_EQ(in.grid.shots, grid.shots);
  EXPECT_EQ(to_array(*in.q).values, to_array(*seen.q).values);
  EXPECT_EQ(to_array(*in.v).values, to_array(*seen.v).values);
  EXPECT_EQ(in.need("hidden", "test").shape, (std::vector<int64_t>{12, 32}));
  const Array& logits = in.need("router_logits", "test");
  ASSERT_EQ(logits.shape, (std::vector<int64_t>{12, 3}));
  const auto& hidden = in.need("hidden", "test").as<float>("hidden");
  const auto& weight = in.need("router_weight", "test").as<float>("router_weight");
  double logit = 0;
  for (int64_t c = 0; c < 32; ++c) logit += double{hidden[5 * 32 + c]} * weight[2 * 32 + c];
  EXPECT_NEAR(logits.as<float>("router_logits")[5 * 3 + 2], logit, 1e-5);
  EXPECT_EQ(DitNetwork(random_checkpoint(tiny_config()))
                .attention_inputs(made.input, 0, full_on("cpu"))
                .find("router_logits"),
            nullptr)
      << "it has no routers";
}

TEST(DitNetwork, StandardisesAndRestores) {
  const DitNetwork network(random_checkpoint(tiny_config()));
  std::vector<float> latents(2 * kPatchChannels);
  for (size_t i = 0; i < latents.size(); ++i) latents[i] = static_cast<float>(i) / 10;
  const std::vector<float> standard = network.standardised(latents);
  const auto& mean = network.checkpoint().weights.at("latent.mean").as<float>("mean");
  const auto& deviation = network.checkpoint().weights.at("latent.deviation").as<float>("mean");
  EXPECT_FLOAT_EQ(standard[70], (latents[70] - mean[6]) / deviation[6]);
  const std::vector<float> back = network.restored(standard);
  for (size_t i = 0; i < latents.size(); ++i) EXPECT_NEAR(back[i], latents[i], 1e-5);
}

TEST(DitNetwork, RefusesWhatDoesNotFit) {
  DitCheckpoint incomplete = random_checkpoint(tiny_config());
  incomplete.weights.erase("words");
  expect_input_error([&] { DitNetwork network(incomplete); }, "'words' is missing");
  const DitNetwork network(random_checkpoint(tiny_config()));
  MadeInput made({.frames = 2, .height = 1, .width = 2, .shots = {0, 1}});
  const auto refused = [&](const DitInput& input, const char* part) {
    expect_input_error([&] { network.velocity(input, full_on("cpu")); }, part);
  };
  DitInput bad = made.input;
  bad.sigmas.pop_back();
  refused(bad, "1 noise levels and 16 words");
  bad = made.input;
  bad.sigmas[1] = std::nan("");
  refused(bad, "noise level nan");
  bad = made.input;
  bad.grid.text_tokens = 3;
  refused(bad, "without text tokens");
  made.captions[3] = kCaptionVocabulary;
  refused(made.input, "word 18 of a caption");
  made.captions[3] = 0;
  expect_input_error([&] { network.attention_inputs(made.input, 1, full_on("cpu")); },
                     "layer 1 is none of the network's: they are 0 to 0");
  EXPECT_THROW(
      network.velocity(made.input,
                       [](int64_t, Inputs&) -> Tensor { throw std::domain_error("from attend"); }),
      std::domain_error);
}

}  // namespace
}  // namespace vidattn
