#include "harness/workloads/dit/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "attention/error.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/layers/block.h"

namespace vidattn {
namespace {

void check_input(const DitInput& input) {
  input.grid.validate();
  const size_t shots = input.grid.shots.size();
  if (input.grid.text_tokens != 0)
    throw InputError("the DiT brings its captions itself: a grid without text tokens");
  if (input.sigmas.size() != shots || input.captions->size() != shots * kCaptionTokens)
    throw InputError(fmt::format("{} noise levels and {} words of captions do not fit {} shots",
                                 input.sigmas.size(), input.captions->size(), shots));
  for (const double sigma : input.sigmas)
    if (!(sigma >= 0 && sigma <= 1))
      throw InputError(fmt::format("noise level {} does not lie between 0 and 1", sigma));
  for (const int32_t word : *input.captions)
    if (word < 0 || word >= kCaptionVocabulary)
      throw InputError(
          fmt::format("word {} of a caption is none of 0 to {}", word, kCaptionVocabulary - 1));
}

}  // namespace

/// One pass through the network: the states of the tokens as they go from block to block.
class DitNetwork::Run {
 public:
  Run(const DitNetwork& network, const DitInput& input)
      : parameters_(network.checkpoint_.weights, ""),
        scene_(make_scene(network.config(), parameters_, input)),
        states_{patches(parameters_, input), Matrix(0, 0)} {
    if (network.config().text == DitText::joint) states_.words = scene_.conditions.words;
  }

  DitBlock block(int64_t b) const {
    return {parameters_.part(fmt::format("blocks.{}.", b)), scene_};
  }
  const DitStates& states() const { return states_; }

  void pass(int64_t b, const Attend& attend) {
    const DitBlock through = block(b);
    const Tensor attended = attend_in(b, through, attend);
    through.finish(attended, states_);
  }

  std::vector<float> head() const {
    const DitConditions& conditions = scene_.conditions;
    const ShotVectors vectors(parameters_.vector("head.modulation"), 2, states_.video.columns,
                              conditions.time);
    return parameters_.linear("head")(modulated(states_.video, conditions.video, vectors, 0, 1))
        .values;
  }

 private:
  static DitScene make_scene(const DitConfig& config, const LayerParameters& parameters,
                             const DitInput& input) {
    check_input(input);
    VideoGrid grid = input.grid;
    if (config.text == DitText::joint)
      grid.text_tokens = static_cast<int64_t>(input.captions->size());
    return {config, std::move(grid), Rope(input.grid, config.dim()),
            make_conditions(parameters, input.grid, input.sigmas, *input.captions)};
  }

  static Matrix patches(const LayerParameters& parameters, const DitInput& input) {
    const LinearLayer layer = parameters.linear("patch");
    Matrix x(input.grid.video_tokens(), layer.outputs);
    layer.apply(input.latents, x.rows, x.values.data());
    return x;
  }

  Tensor attend_in(int64_t b, const DitBlock& block, const Attend& attend) const {
    Inputs in = block.attention_inputs(states_);
    Tensor out = attend(b, in);
    if (out.dtype() != DType::f32 || out.length() != scene_.grid.tokens() ||
        out.heads() * out.dim() != states_.video.columns)
      throw std::logic_error("DitNetwork: the attention's output has another shape or type");
    return out;
  }

  LayerParameters parameters_;
  DitScene scene_;
  DitStates states_;
};

DitNetwork::DitNetwork(DitCheckpoint checkpoint) : checkpoint_(std::move(checkpoint)) {
  check_checkpoint(checkpoint_, "the checkpoint");
}

std::vector<float> DitNetwork::velocity(const DitInput& input, const Attend& attend) const {
  Run run(*this, input);
  for (int64_t b = 0; b < config().blocks; ++b) run.pass(b, attend);
  return run.head();
}

Inputs DitNetwork::attention_inputs(const DitInput& input, int64_t block,
                                    const Attend& attend) const {
  if (block < 0 || block >= config().blocks)
    throw InputError(fmt::format("layer {} is none of the network's: they are 0 to {}", block,
                                 config().blocks - 1));
  Run run(*this, input);
  for (int64_t b = 0; b < block; ++b) run.pass(b, attend);
  return run.block(block).attention_inputs(run.states());
}

std::vector<float> standardised(const DitArrays& arrays, std::vector<float> latents) {
  const LayerParameters latent(arrays, "latent.");
  const float *mean = latent.vector("mean"), *deviation = latent.vector("deviation");
  for (size_t i = 0; i < latents.size(); ++i)
    latents[i] = (latents[i] - mean[i % kPatchChannels]) / deviation[i % kPatchChannels];
  return latents;
}

std::vector<float> DitNetwork::standardised(std::vector<float> latents) const {
  return vidattn::standardised(checkpoint_.weights, std::move(latents));
}

std::vector<float> DitNetwork::restored(std::vector<float> latents) const {
  const LayerParameters latent(checkpoint_.weights, "latent.");
  const float *mean = latent.vector("mean"), *deviation = latent.vector("deviation");
  for (size_t i = 0; i < latents.size(); ++i)
    latents[i] = latents[i] * deviation[i % kPatchChannels] + mean[i % kPatchChannels];
  return latents;
}

}  // namespace vidattn
