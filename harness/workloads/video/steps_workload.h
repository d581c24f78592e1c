#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/workloads/workload.h"

namespace vidattn {

/// A denoising run over the film, as typed: "steps:N" or "steps:N,shift=S".
struct StepsSpec {
  int64_t steps = 0;
  double shift = 5;  ///< Wan2.1's; HunyuanVideo's is 7, Wan2.1 takes 3 at 480p; 1 = evenly spaced
};

/// Throws InputError for other text, fewer than 2 or more than 1000 steps, and shifts outside 0.01
/// to 100.
StepsSpec parse_steps_spec(const std::string& spec);

/// The share of noise at each step, falling from 1. With t = 1 - i/N it is S t / (1 + (S - 1) t),
/// as Wan2.1 samples (wan/utils/fm_solvers.py, get_sampling_sigmas).
std::vector<double> denoising_sigmas(const StepsSpec& spec);

/// The call at step request.capture.step. The film's features x become (1 - sigma) x + sigma n, n
/// Gaussian noise that stays the same (flow matching's straight path), over their root mean square
/// expected, as a layer norm would make them. Projections and sharpness are the clean film's, so
/// attention is flat in the noise and grows as peaked as `film`. Throws InputError without a step.
Workload steps_workload(const WorkloadRequest& request);

}  // namespace vidattn
