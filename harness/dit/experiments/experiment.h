#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
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
  std::vector<std::string> backends;  ///< empty = what each network was trained with
  int64_t clips = 24, steps = 30;
  double shift = 5;   ///< of the noise levels (steps_workload.h)
  uint64_t seed = 1;  ///< of the clips, which are none of any training's, and the noise
  std::string device = "cpu", json;
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

/// Runs it, prints its table and writes its JSON. Throws InputError before any work for a request
/// that makes no sense.
ExitCode run_experiment(const std::string& name, const ExperimentRequest& request);

/// The seed of clip i of an experiment, and the clip on the grid that a network was trained on.
uint64_t clip_seed(const ExperimentRequest& request, int64_t i);
TrainingClip experiment_clip(const ExperimentRequest& request, const DitConfig& config, int64_t i);

}  // namespace vidattn
