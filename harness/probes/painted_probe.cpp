#include "harness/probes/painted_probe.h"

#include <vector>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/dit_density.h"
#include "harness/dit/experiments/recalled.h"
#include "harness/host/output/thrown.h"
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

  const Device& device;
  DitNetwork network;
  ExperimentRequest request;
  TrainingClip shown;
  RecalledClip clip;
  RecalledPainting full;
};

PaintedProbe::PaintedProbe(uint64_t seed, const std::string& device)
    : scene_(std::make_unique<Scene>(seed, find_device(device))) {}
PaintedProbe::~PaintedProbe() = default;

Painted PaintedProbe::paint(const std::string& backend, std::optional<double> density) const {
  const Scene& s = *scene_;
  Painted painted;
  ProbeRun& run = painted.run;
  run.backend = backend;
  run.outcome = "interrupted";
  try {
    MethodSettings method{method_for(s.network.config(), backend), &s.device};
    const bool full = method.spec.backend->name() == "full";
    if (density && !full) {
      DensitySolution solution = solve_for_rollout(s.network, s.clip.task(), method, *density);
      run.wanted_density = *density;
      run.density = solution.density;
      run.note = std::move(solution.note);
      method.spec = std::move(solution.spec);
    }
    run.backend = method.spec.text();
    const RecalledPainting painting = full ? s.full : s.clip.paint(s.network, method);
    painted.rollout_density = painting.density;
    if (!density || full) run.density = painting.density;
    run.outcome = "passed";
    painted.distance = relative_distance(painting, s.full);
    painted.colour_kept = painting.recall.kept;
  } catch (const Cancelled&) {
  } catch (const AttentionFailed& error) {
    run.outcome = "failed";
    run.reason = error.what();
  } catch (const InputError& error) {
    run.outcome = "skipped";
    run.reason = error.what();
  } catch (const std::exception&) {
    run.outcome = "failed";
    run.reason = failure_text(std::current_exception());
  }
  return painted;
}

}  // namespace vidattn
