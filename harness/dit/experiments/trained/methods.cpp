#include <fmt/format.h>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/dit_density.h"
#include "harness/dit/experiments/contest.h"
#include "harness/dit/experiments/trained/trained_models.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {
namespace {

const std::vector<std::string>& swapped_methods() {
  static const std::vector<std::string> names{"ditfastattn", "svg",    "svg2",  "vmoba",
                                              "sta",         "radial", "sparge"};
  return names;
}

const std::vector<std::string>& trained_methods() {
  static const std::vector<std::string> names{kPaperMethod, "moga:num_groups=5", "vmoba"};
  return names;
}

constexpr ContestColumn kMethodColumns[] = {
    {"subject_consistency.hsv_lbp_vlad", "subject", 3},
    {"background_consistency.hsv_lbp_vlad", "background", 3},
    {"temporal_flickering", "flicker", 4},
    {"motion_smoothness.dis", "smooth", 4},
    {"dynamic_degree.dis", "dynamic", 2},
    {"imaging_quality.brisque", "imaging", 3},
    kCrossShotColumn,
    kIdentityColumn,
    kColourColumn,
    kKeptColumn,
    {"psnr", "PSNR dB", 2},
    {"ssim", "SSIM", 3},
    {"density", "sparsity %", 1, -100, 100}};

/// What a network's own method executes on the first clip.
double executed_density(const ExperimentRequest& request, const std::string& model) {
  const DitNetwork network(load_model(model));
  const BackendSpec method = method_for(network.config(), trained_with(network.checkpoint()));
  return paint_clip(request, network, method, 0, nullptr).scores.at("density");
}

/// Methods set to a density in the first full-attention network, as contestants in all of them.
std::vector<Contestant> swapped_in(const ExperimentRequest& request,
                                   const std::vector<std::string>& models, double density,
                                   ExperimentResult& result) {
  const DitNetwork network(load_model(models.front()));
  const TrainingClip shown = experiment_clip(request, network.config(), 0);
  const RecalledClip clip(request, network, shown, 0);
  std::vector<Contestant> contestants;
  for (const std::string& name : request.backends.empty() ? swapped_methods() : request.backends) {
    throw_if_cancelled();
    const MethodSettings settings{method_for(network.config(), name), &find_device(request.device)};
    try {
      const DensitySolution solved = solve_for_rollout(network, clip.task(), settings, density);
      contestants.push_back({name, models, solved.spec.text()});
      if (missed_density(solved.density, density))
        result.notes.push_back(fmt::format("{} is at {:.3g}, the nearest to a density of {:.3g}.",
                                           name, solved.density, density));
    } catch (const InputError& error) {
      result.notes.push_back(fmt::format("{} is left out: {}", name, error.what()));
    }
  }
  return contestants;
}

std::vector<Contestant> methods_contestants(const ExperimentRequest& request,
                                            ExperimentResult& result) {
  const std::vector<std::string> bases = base_models(request);
  std::vector<Contestant> all{{"full", bases, "full"}}, trained;
  for (const TrainedVariant& variant : variants_of(trained_methods()))
    trained.push_back({variant.label, averaged_models(train_variant(request, variant, bases)), ""});
  const double density = request.density
                             ? *request.density
                             : executed_density(request, trained.front().models.front());
  for (Contestant& swapped : swapped_in(request, bases, density, result))
    all.push_back(std::move(swapped));
  for (Contestant& contestant : trained) all.push_back(std::move(contestant));
  return all;
}

ExperimentResult methods(const ExperimentRequest& request) {
  require_trainable(request, variants_of(trained_methods()));
  require_bases(request);
  require_backends(request.backends);
  ExperimentResult result;
  try {
    const std::vector<Contestant> contestants = methods_contestants(request, result);
    add_contest(hold_contest(request, contestants, result.interrupted),
                {std::begin(kMethodColumns), std::end(kMethodColumns)}, result);
  } catch (const Cancelled&) {
    result.interrupted = true;
  }
  result.notes.emplace_back(
      "MoGA, Tables 1 and 3 in shape: methods without training stand in the full-attention "
      "network, at the density of the first trained one unless --density says another; PSNR and "
      "SSIM are against full attention's video from the same noise, which a network that was "
      "trained on need not paint. Scores of VIDEO_METRICS.md that need no network; none is a "
      "published VBench figure.");
  return result;
}

const RegisterExperiment registered_methods(
    {"methods", "what methods without training and trained ones paint at one density", methods});

}  // namespace
}  // namespace vidattn
