#pragma once

#include <vector>

#include "harness/measure/engine/contender.h"
#include "harness/measure/engine/policy.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// Times contenders against each other: warm-up, then blocks of rounds, in each of which every
/// contender runs next to the others, until the policy is satisfied. Every command takes its times
/// here; harness/measure/METHODOLOGY.md says why it is done so.
///
/// A contender that throws has failed and runs no more; its blocks until then stay and the others
/// go on, unless it is the control. After an interrupt the block in progress is left out and what
/// was measured before is returned.
Timings time_contenders(const std::vector<Contender>& contenders, const Policy& policy);

}  // namespace vidattn
