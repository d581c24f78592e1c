#pragma once

#include <vector>

#include "harness/workloads/request.h"

namespace vidattn {

/// The step that a request's call is of; -1 = not known.
int64_t step_of_call(const WorkloadRequest& request);
int64_t layer_of_call(const WorkloadRequest& request);

/// Calls in the order of a denoising run: those of each layer (and entry of a batch, and place in
/// their files) together, by their steps. Throws InputError where a step is not known, where two
/// calls are of the same step, and where no layer has several.
std::vector<std::vector<WorkloadRequest>> step_runs(const std::vector<WorkloadRequest>& calls);

}  // namespace vidattn
