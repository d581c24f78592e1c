#pragma once

#include <optional>
#include <vector>

#include "harness/measure/timing.h"

namespace vidattn {

/// What is asked of all cases of a process.
struct CaseSetup {
  std::optional<double> density;  ///< that the knobs are set for
  Pass pass = Pass::forward;      ///< that is timed
  bool whole = false;             ///< never extrapolate full attention from a sample of its rows
};

/// Sets up cases that were just made, all of one workload, of which the first is full attention. A
/// case whose method refuses the inputs is skipped. Throws what set_pass() throws.
void set_up(std::vector<Case>& cases, const CaseSetup& setup);

/// Checks such cases, times those that passed beside the first one, the dense control, and fills
/// the metrics of their results. A correct case whose control has no times ends as the control did.
void measure_beside_full(std::vector<Case>& cases, const TimingOptions& timing);

}  // namespace vidattn
