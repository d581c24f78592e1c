#pragma once

#include <vector>

#include "harness/measure/case.h"
#include "harness/suites/runner.h"

namespace vidattn {

/// Fills the figures of every case that passed its check. `peak_gflops` is the multiply-add peak of
/// the same run.
void add_metrics(std::vector<Case>& cases, const RunOptions& options, double peak_gflops);

}  // namespace vidattn
