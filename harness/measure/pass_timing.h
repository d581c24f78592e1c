#pragma once

#include "attention/device.h"
#include "harness/measure/engine/contender.h"
#include "harness/measure/record/pass.h"
#include "metrics/plan/stats.h"

namespace vidattn {

/// What runs write to. Contenders that run next to each other share it, so that none has the better
/// pages and timing touches no fresh ones.
struct Workspace {
  Output out;
  Gradients gradients;
};

/// Runs a plan `repeat` times, then its backward pass for the output's gradient d_o as often, as
/// far as the pass times them; a forward pass that is not timed runs once before. Planning is not
/// in it. d_o may be null where no backward pass is timed.
RunTimes time_kernels(const Device& device, const Plan& plan, const Inputs& in, const Tensor* d_o,
                      Pass pass, int64_t repeat, Workspace& space);

/// FLOPs of what is timed.
double timed_flops(const PlanStats& stats, Pass pass);

}  // namespace vidattn
