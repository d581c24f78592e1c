#pragma once

#include "harness/measure/case.h"
#include "harness/measure/engine/contender.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// A checked case for the timing engine: it is planned and run. `out` is shared by those that run
/// next to each other, so that none has the better pages and timing touches no fresh ones. Both
/// must outlive the contender.
Contender contender_of(const Case& c, Output& out);

/// Fills the blocks and runs_in_a_row of the case's record, plan_seconds and run_seconds (of the
/// blocks) and device_times (of every run). A failure becomes the case's outcome; its blocks until
/// then stay.
void take_times(Case& c, const ContenderTimes& times);

}  // namespace vidattn
