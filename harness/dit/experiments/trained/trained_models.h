#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/dit/experiments/experiment.h"
#include "harness/dit/training/train.h"

namespace vidattn {

/// The paper's method, as experiments train it unless they ask for another.
inline constexpr const char* kPaperMethod = "moga_stga:num_groups=5";

/// A way to train, as an experiment compares them.
struct TrainedVariant {
  std::string label;
  std::string backend;
  double alpha = 0.1;
  BalanceForm form = BalanceForm::switch_transformer;
};

/// A variant for each backend, "trained BACKEND", with the defaults.
std::vector<TrainedVariant> variants_of(const std::vector<std::string>& backends);

/// The trainings of a variant: a folder (train.h) for each seed.
using TrainedFolders = std::vector<std::string>;

/// Full-attention networks to fine-tune, one file for each seed: those of the request, in turn, or
/// trained now with base_steps; empty texts where base_steps is 0.
std::vector<std::string> base_models(const ExperimentRequest& request);

/// Fine-tunes a variant from base_models() with every seed. What request.folder holds of it is not
/// trained again, what was interrupted goes on. Throws InputError where it holds another training
/// under the same name, and Cancelled when interrupted.
TrainedFolders train_variant(const ExperimentRequest& request, const TrainedVariant& variant,
                             const std::vector<std::string>& bases);

/// Throws InputError, before any work, without a folder, and for a variant whose method cannot be
/// trained.
void require_trainable(const ExperimentRequest& request,
                       const std::vector<TrainedVariant>& variants);

/// Throws InputError where no full-attention networks are given and none would be trained.
void require_bases(const ExperimentRequest& request);

/// The values of a training by name of the log's keys, [steps] each; of values by block the mean.
std::map<std::string, std::vector<double>> training_curves(const std::string& folder);
/// Means of the first and the last tenth of a curve.
double first_tenth(const std::vector<double>& curve);
double last_tenth(const std::vector<double>& curve);

/// Files of the trained networks, for use.
std::vector<std::string> averaged_models(const TrainedFolders& folders);

}  // namespace vidattn
