#include "harness/probes/painted_probe.h"

#include <utility>

#include "harness/dit/dit_density.h"
#include "harness/dit/experiments/recalled.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {

struct PaintedProbe::Scene {
  Scene(uint64_t seed, const Device& the_device)
      : device(the_device),
        network(load_model("")),
        request{.steps = kSteps, .seed = seed},
        shown(experiment_clip(request, network.config(), 0)),
        clip(request, network, shown, 0),
        full(clip.paint(network, {parse_backend("full"), &device})) {}

  /// Throws as RecalledClip::paint(), and InputError for a backend that there is not.
  void paint(const std::string& backend, std::optional<double> density, Painted& painted) const;

  const Device& device;
  DitNetwork network;
  ExperimentRequest request;
  TrainingClip shown;
  RecalledClip clip;
  RecalledPainting full;
};

void PaintedProbe::Scene::paint(const std::string& backend, std::optional<double> density,
                                Painted& painted) const {
  ProbeRun& run = painted.run;
  MethodSettings method{method_for(network.config(), backend), &device};
  const bool is_full = method.spec.backend->name() == "full";
  if (density && !is_full) {
    DensitySolution solution = solve_for_rollout(network, clip.task(), method, *density);
    run.wanted_density = *density;
    run.density = solution.density;
    run.note = std::move(solution.note);
    method.spec = std::move(solution.spec);
  }
  run.backend = method.spec.text();
  const RecalledPainting painting = is_full ? full : clip.paint(network, method);
  painted.rollout_density = painting.density;
  if (!density || is_full) run.density = painting.density;
  run.outcome = "passed";
  painted.distance = relative_distance(painting, full);
  painted.colour_kept = painting.recall.kept;
}

PaintedProbe::PaintedProbe(uint64_t seed, const std::string& device)
    : scene_(std::make_unique<Scene>(seed, find_device(device))) {}
PaintedProbe::~PaintedProbe() = default;

Painted PaintedProbe::paint(const std::string& backend, std::optional<double> density) const {
  Painted painted{.run = {.backend = backend, .outcome = "interrupted"}};
  run_guarded(painted.run, [&] {
    try {
      scene_->paint(backend, density, painted);
    } catch (const AttentionFailed& error) {  // no refusal of inputs
      painted.run.outcome = "failed";
      painted.run.reason = error.what();
    }
  });
  return painted;
}

}  // namespace vidattn
