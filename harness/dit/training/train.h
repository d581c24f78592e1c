#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/dit/training/visual_attention.h"

namespace vidattn {

/// A training as the user asked for it.
struct TrainRequest {
  DitConfig config;
  std::string backend = "full";
  std::string device = "cpu", dtype = "f32";
  double alpha = 0.1;  ///< of the balance loss (MoGA Eq. 6)
  BalanceForm form = BalanceForm::switch_transformer;
  double minutes = 15;  ///< how long; turned into steps by the speed of the first ones
  int64_t steps = 0;    ///< how long, in steps; 0 = by `minutes`
  int64_t clips = 8;    ///< of a batch
  double rate = 3e-3;   ///< largest learning rate: rises over kRise steps, falls along a cosine
  uint64_t seed = 1;
  std::string folder;       ///< of model.safetensors, log.jsonl and curves.html
  std::string fine_tune;    ///< a checkpoint to begin with; empty = random weights
  bool resume = false;      ///< go on with the checkpoint in `folder`
  bool dense = false;       ///< libtorch's own attention
  double save_minutes = 2;  ///< between checkpoints
  int threads = 0;          ///< 0 = OpenMP's
  /// Options that the user named, as "--alpha": with `resume` they must be the checkpoint's.
  std::set<std::string> named;
};

/// The network of a size that a backend is trained in: with routers for methods that read
/// router_logits. Throws InputError as dit_config() and parse_backend().
DitConfig config_for(const std::string& size, const std::string& backend);

/// Learning rates that can be asked for: what float32 holds.
inline constexpr double kLeastRate = 1e-37, kMostRate = 1e38;

/// Steps over which the learning rate rises, or a third of fewer than three times as many.
inline constexpr int64_t kRise = 40;

/// What a training came to.
struct TrainedTo {
  int64_t done = 0, steps = 0;  ///< equal unless it was interrupted; steps 0 = not known yet
  double loss = 0;              ///< of the last step
  bool interrupted() const { return done < steps || steps == 0; }
};

/// Trains, with progress on stderr. What was reached is saved when it is interrupted. Throws
/// InputError, before any work, for what cannot be used; and, with the step and the block or
/// parameter that went first, when loss or gradients are no longer finite.
TrainedTo train(const TrainRequest& request, const std::vector<std::string>& arguments);

/// Files of a training's folder: all that it goes on with, the running means, the log.
inline constexpr const char* kTrainingFile = "model.safetensors";
inline constexpr const char* kAveragedFile = "averaged.safetensors";
inline constexpr const char* kTrainLogFile = "log.jsonl";
/// The fact of a fine-tuned checkpoint that has the SHA-256 of the file that it began with.
inline constexpr const char* kBeginsWithFact = "begins_with";

}  // namespace vidattn
