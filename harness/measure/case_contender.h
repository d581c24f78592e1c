#pragma once

#include "harness/measure/case.h"
#include "harness/measure/engine/contender.h"
#include "harness/measure/engine/timings.h"
#include "harness/measure/pass_timing.h"

namespace vidattn {

/// A checked case for the timing engine: it is planned and run, and its gradients computed, of
/// which the passes that the case asks for are timed. Both must outlive the contender.
Contender contender_of(const Case& c, Workspace& space);

/// Fills the blocks and runs_in_a_row of the case's record, plan_seconds, run_seconds and
/// backward_seconds (of the blocks) and device_times (of every run). A failure becomes the case's
/// outcome; its blocks until then stay.
void take_times(Case& c, const ContenderTimes& times);

}  // namespace vidattn
