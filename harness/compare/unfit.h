#pragma once

#include <string>

#include "harness/store/run.h"

namespace vidattn {

/// Why the times of a whole run are no ground for a verdict, however they come out: a look before
/// it that found the machine invalid. Empty when they are one.
std::string unfit_for_times(const StoredRun& run);

/// The same of one case: other programs held the cores while it was timed.
std::string unfit_for_times(const Measurement& measured);

}  // namespace vidattn
