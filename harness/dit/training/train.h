#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/dit/training/visual_attention.h"
#include "harness/host/exit_code.h"

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
  double rate = 2e-3;   ///< largest learning rate: rises over kRise steps, falls along a cosine
  uint64_t seed = 1;
  std::string folder;       ///< of model.safetensors, log.jsonl and curves.html
  std::string fine_tune;    ///< a checkpoint to begin with; empty = random weights
  bool resume = false;      ///< go on with the checkpoint in `folder`
  bool dense = false;       ///< libtorch's own attention
  double save_minutes = 2;  ///< between checkpoints
  int threads = 0;          ///< 0 = OpenMP's
};

/// Steps over which the learning rate rises.
inline constexpr int64_t kRise = 40;

/// Trains, with progress on stderr. What was reached is saved when it is interrupted. Throws
/// InputError, before any work, for what cannot be used; and, with the step and the block or
/// parameter that went first, when loss or gradients are no longer finite.
ExitCode train(const TrainRequest& request, const std::vector<std::string>& arguments);

}  // namespace vidattn
