#include "harness/dit/experiments/trained/trained_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/training/settings.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/measure/backend_spec.h"
#include "harness/workloads/dit/model_file.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr double kBaseRate = 3e-3;

fs::path folder_of(const ExperimentRequest& request, std::string label, uint64_t seed) {
  std::replace_if(
      label.begin(), label.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return fs::path(request.folder) / fmt::format("{}-seed{}", label, seed);
}

TrainRequest training_of(const ExperimentRequest& request, const TrainedVariant& variant,
                         uint64_t seed) {
  TrainRequest training;
  training.config = config_for(request.model, variant.backend);
  training.backend = variant.backend;
  training.device = request.device;
  training.alpha = variant.alpha;
  training.form = variant.form;
  training.seed = seed;
  training.folder = folder_of(request, variant.label, seed);
  // What is there already must be this very training.
  training.named = {"--model", "--backend", "--alpha", "--balance", "--steps", "--rate", "--seed"};
  return training;
}

std::string fact_of(const DitCheckpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.facts.find(name);
  return found == checkpoint.facts.end() ? "" : found->second;
}

/// Throws InputError unless a checkpoint is of this very training.
void require_same(const TrainRequest& training, const DitCheckpoint& checkpoint) {
  const std::string where = in_quotes(training.folder) + " holds another training: ";
  const std::string from = training.fine_tune.empty() ? "" : model_sha256(training.fine_tune);
  if (fact_of(checkpoint, kBeginsWithFact) != from)
    throw InputError(where + "it began with another network");
  TrainRequest kept = training;
  try {
    take_settings(checkpoint, kept);
  } catch (const InputError& error) {
    throw InputError(where + error.what());
  }
}

/// Trains, or goes on, or finds it done.
void complete(TrainRequest training) {
  const fs::path file = fs::path(training.folder) / kTrainingFile;
  if (fs::exists(file)) {
    const DitCheckpoint checkpoint = read_checkpoint(file);
    require_same(training, checkpoint);
    if (fact_of(checkpoint, "done") == std::to_string(training.steps) &&
        fs::exists(fs::path(training.folder) / kAveragedFile))
      return;
    training.resume = true;
  }
  if (train(training, {"train"}).interrupted()) throw Cancelled();
}

std::string base_model(const ExperimentRequest& request, uint64_t seed) {
  TrainRequest training = training_of(request, {"base full", "full"}, seed);
  training.steps = request.base_steps;
  training.rate = kBaseRate;
  complete(training);
  return fs::path(training.folder) / kAveragedFile;
}

double tenth(const std::vector<double>& curve, bool last) {
  const auto count = std::max<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(curve.size()) / 10);
  return last ? mean_of({curve.end() - count, curve.end()})
              : mean_of({curve.begin(), curve.begin() + count});
}

double value_of(const JsonReader& value) {
  if (!value.value().is_array()) return value.value().is_number() ? value.number() : std::nan("");
  std::vector<double> numbers;
  for (const JsonReader& item : value.items()) numbers.push_back(item.number_or_nan());
  return mean_of(numbers);
}

}  // namespace

std::vector<TrainedVariant> variants_of(const std::vector<std::string>& backends) {
  std::vector<TrainedVariant> variants;
  for (const std::string& backend : backends) variants.push_back({"trained " + backend, backend});
  return variants;
}

std::vector<std::string> base_models(const ExperimentRequest& request) {
  std::vector<std::string> models;
  const std::vector<std::string>& given = request.checkpoints;
  for (int64_t i = 0; i < request.seeds; ++i) {
    if (!given.empty())
      models.push_back(given[static_cast<size_t>(i) % given.size()]);
    else
      models.push_back(request.base_steps == 0
                           ? ""
                           : base_model(request, request.seed + static_cast<uint64_t>(i)));
  }
  return models;
}

TrainedFolders train_variant(const ExperimentRequest& request, const TrainedVariant& variant,
                             const std::vector<std::string>& bases) {
  TrainedFolders folders;
  for (size_t i = 0; i < bases.size(); ++i) {
    TrainRequest training = training_of(request, variant, request.seed + i);
    training.steps = request.train_steps;
    training.rate = request.rate;
    training.fine_tune = bases[i];
    complete(training);
    folders.push_back(training.folder);
  }
  return folders;
}

void require_trainable(const ExperimentRequest& request,
                       const std::vector<TrainedVariant>& variants) {
  if (request.folder.empty())
    throw InputError("this experiment trains networks and keeps them: --out FOLDER");
  std::set<std::string> labels;
  for (const TrainedVariant& variant : variants) {
    config_for(request.model, variant.backend);
    if (!labels.insert(variant.label).second)
      throw InputError(variant.label + " would be trained twice");
  }
  for (const std::string& path : request.checkpoints) {
    const DitConfig config = load_model(path).config;
    if (config.size != request.model)
      throw InputError(
          fmt::format("{} is a {} network: --model {}", in_quotes(path), config.size, config.size));
  }
  torch_function("vidattn_make_trainer", "training");
}

void require_bases(const ExperimentRequest& request) {
  if (request.checkpoints.empty() && request.base_steps == 0)
    throw InputError("this experiment needs full-attention networks: --base-steps above 0");
}

std::map<std::string, std::vector<double>> training_curves(const std::string& folder) {
  std::map<std::string, std::vector<double>> curves;
  read_json_lines((fs::path(folder) / kTrainLogFile).string(), [&](const JsonReader& line) {
    for (const auto& [key, value] : line.members()) curves[key].push_back(value_of(value));
  });
  return curves;
}

double first_tenth(const std::vector<double>& curve) { return tenth(curve, false); }
double last_tenth(const std::vector<double>& curve) { return tenth(curve, true); }

std::vector<std::string> averaged_models(const TrainedFolders& folders) {
  std::vector<std::string> files;
  for (const std::string& folder : folders) files.push_back(fs::path(folder) / kAveragedFile);
  return files;
}

}  // namespace vidattn
