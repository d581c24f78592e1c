#pragma once

#include <functional>
#include <vector>

#include "harness/measure/engine/policy.h"
#include "harness/measure/engine/runner.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// Whether the last 3 times lie within 5% of their median.
bool settled(const std::vector<double>& times);

/// Runs the contenders in turn, round by round, as the rule says. Throws Cancelled after an
/// interrupt.
WarmUp warm_up(ContenderRunner& runner, const WarmUpRule& rule, const std::function<double()>& now);

}  // namespace vidattn
