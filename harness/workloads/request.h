#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/workloads/capture/calls.h"
#include "harness/workloads/capture/options.h"

namespace vidattn {

/// What the user asked for on the command line; each workload reads what concerns it.
struct WorkloadRequest {
  std::string spec = "film";                  ///< as its kind is typed (kind.h)
  int64_t frames = 0, height = 0, width = 0;  ///< latent grid; 0 = the workload's own
  std::vector<int64_t> shots;                 ///< latent shot starts; empty = found or known
  int64_t heads = 2, dim = 128;               ///< of the synthesized q, k, v
  uint64_t seed = 1;
  double peak = 0;  ///< softmax peakedness to calibrate to; 0 = the default
  /// Called with the finished share of long work, 0 to 1; may be empty.
  std::function<void(double)> progress;
  /// Which tokens show whom, for the IoU of a router's groups: "persons[:FILE]" of a video, by a
  /// network, "characters" of the film; empty = nobody asks.
  std::string masks = {};
  double scale = 0;                      ///< softmax scale; 0 = 1/sqrt(D), or as a capture says
  CaptureOptions capture;                ///< of the user's own tensors
  std::optional<CaptureCall> call = {};  ///< of a capture; empty = to be found by spec and options
  bool carry = false;                    ///< methods keep their state from step to step
  std::string name = {};                 ///< that cases have in place of the options; empty = none
};

/// The tool's options that reproduce the request; options that stay at their defaults of 0 or
/// nothing, and those that the workload does not read, are left out.
std::vector<std::string> workload_arguments(const WorkloadRequest& request);

}  // namespace vidattn
