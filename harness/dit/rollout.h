#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/dit/method_attention.h"
#include "harness/workloads/dit/network.h"

namespace vidattn {

/// A video that a network is to paint, the same for all methods.
struct RolloutTask {
  VideoGrid grid;
  std::vector<int32_t> captions;  ///< [shots, kCaptionTokens]
  int64_t given = 0;              ///< first shots that are given clean
  std::vector<float> clean;       ///< [L,64] as the network knows them; read in the given shots
  int64_t steps = 30;
  double shift = 5;   ///< of the noise levels, as in steps_workload.h
  uint64_t seed = 1;  ///< of the noise
};

struct Rollout {
  std::vector<float> latents;  ///< [L,64], as decode_latents() takes them
  double seconds = 0;          ///< of the network and its attention, without checks
  std::string failure;         ///< why the attention is not to be believed; empty = it is
};

/// Throws InputError for a task that makes no sense, before any work.
void check_task(const RolloutTask& task);

/// Standard normal noise [count], the same for the same seed.
std::vector<float> standard_noise(int64_t count, uint64_t seed);

/// (1 - sigma) x + sigma noise.
std::vector<float> noised(const std::vector<float>& clean, const std::vector<float>& noise,
                          double sigma);

/// What a block's attention reads at a step when the clip itself, but for the given shots, is at
/// that noise level: the same for all methods. `before` attends in the blocks before. Throws as
/// DitNetwork::attention_inputs().
Inputs inputs_at(const DitNetwork& network, const RolloutTask& task, int64_t step, int64_t block,
                 MethodAttention& before);

/// Paints the video: from noise, Euler's steps along the predicted velocity over
/// denoising_sigmas(), to 0. An attention that fails its equality check ends it. `progress` is
/// called with the number of finished blocks, of all steps. Throws what the attention throws, and
/// Cancelled soon after an interrupt.
Rollout roll_out(const DitNetwork& network, const RolloutTask& task, MethodAttention& attention,
                 const std::function<void(int64_t)>& progress = {});

}  // namespace vidattn
