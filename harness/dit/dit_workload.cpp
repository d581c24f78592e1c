#include <fmt/format.h>

#include <algorithm>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/dit/dit_spec.h"
#include "harness/dit/method_attention.h"
#include "harness/dit/rollout.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/dit/model_file.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/video/steps_workload.h"

namespace vidattn {
namespace {

/// The clip of the request, by default on the grid that the network was trained on.
TrainingClip requested_clip(const WorkloadRequest& request, const DitConfig& config) {
  if (!request.shots.empty())
    throw InputError("the dit workload's clip has its own shots: leave out --shots");
  if (request.capture.layer >= 0 || request.capture.step >= 0)
    throw InputError("the dit workload names its call itself: dit@layer=3,step=12");
  const bool own = request.frames == 0;
  return {request.seed, own ? config.frames : request.frames, own ? config.height : request.height,
          own ? config.width : request.width};
}

void describe(const DitSpec& spec, const DitCheckpoint& model, const TrainingClip& clip,
              double sigma, nlohmann::json& provenance) {
  const VideoGrid& grid = clip.grid();
  provenance["source"] = "dit";
  provenance["grid"] = {grid.frames, grid.height, grid.width};
  provenance["shots_latent"] = grid.shots;
  provenance["shots_from"] = "the clip";
  provenance["model"] = {{"config", to_json(model.config)},
                         {"checkpoint", spec.checkpoint.empty() ? kSmallModel : spec.checkpoint},
                         {"sha256", model_sha256(spec.checkpoint)},
                         {"facts", model.facts},
                         {"earlier_blocks", trained_with(model)}};
  provenance["denoising"] = {
      {"step", spec.step}, {"steps", kDitSteps}, {"shift", kDitShift}, {"sigma", sigma}};
}

/// How small the network is, and where a grid goes beyond what it knows.
std::string size_note(const DitCheckpoint& model, const VideoGrid& grid) {
  int64_t parameters = 0;
  for (const auto& [name, array] : model.weights) parameters += array.size();
  const DitConfig& config = model.config;
  std::string note = fmt::format(
      "a toy network of {:.2g} million parameters, trained on clips of {}x{}x{} tokens",
      static_cast<double>(parameters) * 1e-6, config.frames, config.height, config.width);
  if (grid.video_tokens() != config.tokens())
    note += fmt::format(
        "; on {:.3g} times as many, its attention is of the right cost, but extrapolated",
        static_cast<double>(grid.video_tokens()) / static_cast<double>(config.tokens()));
  return note;
}

Workload dit_workload(const WorkloadRequest& request) {
  DitSpec spec = parse_dit_spec(request.spec);
  const DitNetwork network(load_model(spec.checkpoint));
  const DitConfig& config = network.config();
  if (spec.layer < 0) spec.layer = std::min(kDitLayer, config.blocks - 1);
  const TrainingClip clip = requested_clip(request, config);
  const double sigma = denoising_sigmas({kDitSteps, kDitShift})[static_cast<size_t>(spec.step)];
  const RolloutTask task{.grid = clip.grid(),
                         .captions = clip.captions(),
                         .clean = network.standardised(clip.latents()),
                         .steps = kDitSteps,
                         .shift = kDitShift,
                         .seed = request.seed};
  if (request.progress) request.progress(0.5);
  // The blocks before attend as they were trained to.
  MethodAttention before(
      {method_for(config, trained_with(network.checkpoint())), &find_device("cpu")}, config.blocks,
      kDitSteps);
  Workload workload{.name = request.spec};
  workload.inputs = inputs_at(network, task, spec.step, spec.layer, before);
  workload.provenance["seed"] = request.seed;
  describe(spec, network.checkpoint(), clip, sigma, workload.provenance);
  workload.notes = {size_note(network.checkpoint(), clip.grid())};
  workload.provenance["notes"] = workload.notes;
  workload.call = CallFacts{.layer = spec.layer, .step = spec.step};
  if (request.progress) request.progress(1);
  return workload;
}

const RegisterWorkload dit_kind(
    {.name = "dit",
     .argument = "CHECKPOINT",
     .help = "q, k and v of a small trained DiT for a film of --seed, in "
             "a layer at a step of 30: dit@layer=3,step=12; dit:nano-480p is the main job's",
     .synthesized = false,
     .make = dit_workload,
     .bare = true,
     .seeded = true,
     .carried = [](const std::string& spec) {
       return is_shipped(parse_dit_spec(spec).checkpoint);
     }});

}  // namespace
}  // namespace vidattn
