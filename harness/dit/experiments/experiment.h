#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/io/text_table.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/dit/config.h"

namespace vidattn {

/// What an experiment on trained networks is asked; each reads what concerns it.
struct ExperimentRequest {
  std::vector<std::string> checkpoints;
  std::vector<std::string>
      backends;  ///< empty = what each network was trained with, or the default
  int64_t clips = 24, steps = 30;
  double shift = 5;   ///< of the noise levels (steps_workload.h)
  uint64_t seed = 1;  ///< of the clips, which are none of any training's, and the noise
  // Of those that train (trained_models.h):
  std::string model = "nano";     ///< size
  std::string folder;             ///< where trained networks are kept
  int64_t seeds = 3;              ///< trainings of each kind
  int64_t train_steps = 500;      ///< of every fine-tuning
  int64_t base_steps = 1000;      ///< of the full-attention networks that are fine-tuned, 0 = none
  double rate = 1e-3;             ///< largest learning rate of the fine-tuning
  std::optional<double> density;  ///< of swapped-in methods
  std::vector<int64_t> frames;    ///< of iteration, latent; empty = 1, 2 and 4 times the model's
  std::string device = "cpu", json, format = "text";
  std::vector<std::string> arguments;
};

/// What an experiment found, for the terminal and as JSON.
struct ExperimentResult {
  std::vector<std::string> headings;
  TableRows rows;
  std::vector<std::string> notes;
  nlohmann::json record;
  bool interrupted = false;  ///< it holds what was done until then
};

/// A claim of the paper, or a question, as something to run.
struct Experiment {
  std::string name, help;
  ExperimentResult (*run)(const ExperimentRequest& request);
};

/// Makes an experiment part of `vidattn experiment`: one file in this folder.
class RegisterExperiment {
 public:
  explicit RegisterExperiment(Experiment experiment);
};

/// Sorted by name.
const std::vector<Experiment>& experiments();

/// "text", "markdown", "latex": how run_experiment() prints its table.
std::vector<std::string> experiment_formats();

/// Runs it, prints its table and writes its JSON. Throws InputError before any work for a request
/// that makes no sense.
ExitCode run_experiment(const std::string& name, const ExperimentRequest& request);

/// The seed of clip i of an experiment, and the clip on the grid that a network was trained on.
uint64_t clip_seed(const ExperimentRequest& request, int64_t i);
TrainingClip experiment_clip(const ExperimentRequest& request, const DitConfig& config, int64_t i);

}  // namespace vidattn
