#pragma once

#include <string>
#include <vector>

#include "harness/workloads/request.h"

namespace vidattn {

/// Throws InputError where the file that a backend names, a mask, fits none of the runs of steps:
/// before any work, and not at each step of them. Builds the first steps of runs until every file
/// fitted one; none where no backend reads a file.
void require_fitting_files(const std::vector<std::string>& backends,
                           const std::vector<std::vector<WorkloadRequest>>& runs);

}  // namespace vidattn
