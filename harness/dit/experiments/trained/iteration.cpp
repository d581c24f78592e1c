#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/experiments/trained/trained_models.h"
#include "harness/dit/training/initial.h"
#include "harness/host/interrupt.h"
#include "harness/host/process.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/workloads/dit/latents.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// The columns of MoGA's Table 12.
constexpr const char* kTimedBackends[] = {"full", kPaperMethod, "moga_stga:num_groups=20"};
// Steps of a training: the first ones render more clips and warm the machine up.
constexpr int64_t kUntimedSteps = 1, kTimedSteps = 3, kTimedClips = 4, kPaintedSteps = 4;

/// What one program took, per step.
struct Timed {
  double seconds = NAN, attention = NAN, data = NAN;  ///< the latter shares of it
  int64_t peak_bytes = 0;
};

/// Runs this program. Throws InputError with its last line when it fails.
ProcessResult run_program(const std::vector<std::string>& arguments) {
  ProcessResult result = run_self(arguments, {});
  if (interrupted()) throw Cancelled();
  if (result.end != ProcessResult::End::exited || result.code != 0)
    throw InputError("vidattn " + arguments.front() + " failed: " + result.err);
  return result;
}

/// A training from random weights, whose folder is made anew.
Timed time_training(const ExperimentRequest& request, const std::string& backend, int64_t frames) {
  const fs::path folder = fs::path(request.folder) / "timed";
  fs::remove_all(folder);
  const ProcessResult result = run_program(
      {"train", "--quiet", "--model", request.model, "--frames", std::to_string(frames),
       "--backend", backend, "--device", request.device, "--clips", std::to_string(kTimedClips),
       "--steps", std::to_string(kUntimedSteps + kTimedSteps), "--save-minutes", "1000000", "--out",
       folder.string()});
  const auto curves = training_curves(folder.string());
  const auto middle = [&](const char* key) {
    const std::vector<double>& all = curves.at(key);
    return median({all.begin() + kUntimedSteps, all.end()});
  };
  const double seconds = middle("seconds");
  return {seconds, middle("attention_share"), middle("data_seconds") / seconds, result.peak_bytes};
}

/// A network of random weights whose routers are a training's at its start. Times do not hang on
/// what was learned, but for the sizes of groups.
std::string random_model(const ExperimentRequest& request, const std::string& backend,
                         int64_t frames) {
  const fs::path path = fs::path(request.folder) / "timed.safetensors";
  DitCheckpoint checkpoint;
  checkpoint.config = config_for(request.model, backend);
  checkpoint.config.frames = frames;
  checkpoint.weights = initial_weights(checkpoint.config, request.seed);
  checkpoint.weights["latent.mean"] = {{kPatchChannels}, std::vector<float>(kPatchChannels, 0)};
  checkpoint.weights["latent.deviation"] = {{kPatchChannels},
                                            std::vector<float>(kPatchChannels, 1)};
  checkpoint.facts["backend"] = backend;
  write_checkpoint(path, checkpoint);
  return path.string();
}

/// A rollout, whose attention is held against the float64 reference first (`generate` ends with
/// another code where it differs).
Timed time_painting(const ExperimentRequest& request, const std::string& backend, int64_t frames) {
  const std::string json = (fs::path(request.folder) / "timed.json").string();
  const ProcessResult result = run_program(
      {"generate", "--quiet", "--checkpoint", random_model(request, backend, frames), "--device",
       request.device, "--steps", std::to_string(kPaintedSteps), "--json", json});
  const nlohmann::json video = read_json(json)["videos"][0];
  return {video["seconds"]["all"].get<double>() / kPaintedSteps,
          video["attention_share"].get<double>(), NAN, result.peak_bytes};
}

std::vector<int64_t> timed_frames(const ExperimentRequest& request) {
  if (!request.frames.empty()) return request.frames;
  const int64_t own = dit_config(request.model).frames;
  return {own, 2 * own, 4 * own};
}

nlohmann::json timed_json(const Timed& timed, double tokens) {
  return {{"seconds", number_or_null(timed.seconds)},
          {"tokens_per_second", number_or_null(tokens / timed.seconds)},
          {"attention_share", number_or_null(timed.attention)},
          {"data_share", number_or_null(timed.data)},
          {"peak_bytes", timed.peak_bytes}};
}

/// Both programs at a length, `full` the first backend's for the speedups.
struct TimedPair {
  Timed training, painting;
};

void add_timed(const ExperimentRequest& request, const std::string& backend, int64_t frames,
               const TimedPair& full, const TimedPair& timed, ExperimentResult& result) {
  DitConfig config = dit_config(request.model);
  config.frames = frames;
  const auto tokens = static_cast<double>(config.tokens());
  const auto gib = [](int64_t bytes) {
    return fmt::format("{:.2f}", static_cast<double>(bytes) / (1 << 30));
  };
  const auto speedup = [](const Timed& from, const Timed& to) {
    return fmt::format("{:.2f}x", from.seconds / to.seconds);
  };
  const Timed &training = timed.training, &painting = timed.painting;
  result.rows.push_back({backend, std::to_string(config.tokens()),
                         fmt::format("{:.3g}", training.seconds), speedup(full.training, training),
                         fmt::format("{:.0f}", kTimedClips * tokens / training.seconds),
                         fmt::format("{:.0f}%", 100 * training.attention),
                         fmt::format("{:.0f}%", 100 * training.data), gib(training.peak_bytes),
                         fmt::format("{:.3g}", painting.seconds), speedup(full.painting, painting),
                         fmt::format("{:.0f}%", 100 * painting.attention),
                         gib(painting.peak_bytes)});
  result.record["timed"].push_back({{"backend", backend},
                                    {"tokens", config.tokens()},
                                    {"clips", kTimedClips},
                                    {"training", timed_json(training, kTimedClips * tokens)},
                                    {"painting", timed_json(painting, tokens)}});
}

ExperimentResult iteration(const ExperimentRequest& request) {
  require_trainable(request, {});
  make_writable_folder(request.folder);
  ExperimentResult result;
  result.headings = {"attention", "tokens", "s/iteration", "speedup", "tokens/s",  "attention",
                     "data",      "GiB",    "s/step",      "speedup", "attention", "GiB"};
  const std::vector<int64_t> lengths = timed_frames(request);
  Progress progress("timing", static_cast<int64_t>(lengths.size() * std::size(kTimedBackends)));
  int64_t done = 0;
  try {
    for (const int64_t frames : lengths) {
      TimedPair full;
      for (const char* backend : kTimedBackends) {
        // Painting first: it checks the attention before anything is timed.
        const Timed painting = time_painting(request, backend, frames);
        const TimedPair timed{time_training(request, backend, frames), painting};
        if (std::string(backend) == "full") full = timed;
        add_timed(request, backend, frames, full, timed, result);
        progress.update(++done);
      }
    }
  } catch (const Cancelled&) {
    result.interrupted = true;
  }
  result.notes.push_back(fmt::format(
      "MoGA, Table 12, of the real program on this machine: a training iteration of {} clips "
      "(median of {} steps, both passes, optimiser, rendering) with its tokens/s, attention's "
      "share of the network's time and rendering's of all, and an inference step of one clip (mean "
      "of {}); peak memory of the whole process each. Networks are untrained, groups about even.",
      kTimedClips, kTimedSteps, kPaintedSteps));
  return result;
}

const RegisterExperiment registered_iteration(
    {"iteration", "seconds and memory of a training iteration and an inference step", iteration});

}  // namespace
}  // namespace vidattn
