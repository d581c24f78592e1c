#include "harness/workloads/video/steps_workload.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "attention/error.h"
#include "harness/host/command_line.h"
#include "harness/host/random.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/video/video_workload.h"

namespace vidattn {
namespace {

constexpr std::string_view kStepsScheme = "steps:", kShift = ",shift=";
constexpr int64_t kFewestSteps = 2, kMostSteps = 1000;
constexpr double kLeastShift = 0.01, kMostShift = 100;
constexpr uint64_t kNoiseStream = 0x6e6f697365;

template <class T>
bool whole_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The film without noise, and what its q was multiplied by: the same for every step of a run.
struct CleanFilm {
  std::string of;
  VideoFeatures features;
  double sharpness = 0;
};

/// Kept from call to call, since rendering takes longer than a step.
const CleanFilm& clean_film(const WorkloadRequest& request) {
  static std::optional<CleanFilm> kept;
  WorkloadRequest film = request;
  film.spec = "film";
  const std::string name = shell_line(workload_arguments(film));
  if (kept && kept->of == name) return *kept;
  kept.reset();
  CleanFilm made{name, film_features(film)};
  made.sharpness = project_features(film, made.features).provenance["qkv"]["sharpness"];
  return kept.emplace(std::move(made));
}

/// Standardized features with their share of noise.
void add_noise(std::vector<float>& features, double sigma, uint64_t seed) {
  Random random(seed, kNoiseStream);
  const double norm = std::hypot(1 - sigma, sigma);
  for (float& value : features)
    value = static_cast<float>(((1 - sigma) * value + sigma * random.normal()) / norm);
}

int64_t steps_of(const WorkloadRequest& request) { return parse_steps_spec(request.spec).steps; }

const RegisterWorkload registered_steps(
    {"steps", "N[,shift=S]",
     "a denoising run of N steps over the film, noise added as Wan2.1 samples; methods keep their "
     "state from step to step",
     true, steps_workload, steps_of});

}  // namespace

StepsSpec parse_steps_spec(const std::string& spec) {
  StepsSpec parsed;
  std::string_view text = spec;
  text.remove_prefix(std::min(text.size(), kStepsScheme.size()));
  const size_t comma = std::min(text.find(','), text.size());
  const std::string_view setting = text.substr(comma);
  const bool counted =
      spec.starts_with(kStepsScheme) && whole_number(text.substr(0, comma), parsed.steps);
  const bool shifted =
      setting.empty() ||
      (setting.starts_with(kShift) && whole_number(setting.substr(kShift.size()), parsed.shift));
  if (!counted || !shifted)
    throw InputError(fmt::format("workload '{}' is not steps:N or steps:N,shift=S", spec));
  if (parsed.steps < kFewestSteps || parsed.steps > kMostSteps)
    throw InputError(
        fmt::format("workload '{}': a run has {} to {} steps", spec, kFewestSteps, kMostSteps));
  if (!(parsed.shift >= kLeastShift && parsed.shift <= kMostShift))
    throw InputError(fmt::format("workload '{}': the shift must lie between {} and {}", spec,
                                 kLeastShift, kMostShift));
  return parsed;
}

std::vector<double> denoising_sigmas(const StepsSpec& spec) {
  std::vector<double> sigmas;
  for (int64_t i = 0; i < spec.steps; ++i) {
    const double t = 1 - static_cast<double>(i) / static_cast<double>(spec.steps);
    sigmas.push_back(spec.shift * t / (1 + (spec.shift - 1) * t));
  }
  return sigmas;
}

Workload steps_workload(const WorkloadRequest& request) {
  const StepsSpec spec = parse_steps_spec(request.spec);
  const int64_t step = request.capture.step;
  if (step < 0 || step >= spec.steps)
    throw InputError(fmt::format(
        "{} has the steps 0 to {}: choose one by --step, or measure all with run or sweep",
        request.spec, spec.steps - 1));
  const double sigma = denoising_sigmas(spec)[static_cast<size_t>(step)];
  const CleanFilm& film = clean_film(request);
  VideoFeatures features = film.features;
  add_noise(features.hidden, sigma, request.seed);
  Workload workload = project_features(request, std::move(features), film.sharpness);
  workload.provenance["denoising"] = {
      {"step", step}, {"steps", spec.steps}, {"shift", spec.shift}, {"sigma", sigma}};
  workload.call = CallFacts{.layer = request.capture.layer, .step = step};
  return workload;
}

}  // namespace vidattn
