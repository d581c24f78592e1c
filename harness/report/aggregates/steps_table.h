#pragma once

#include <string>
#include <vector>

#include "harness/report/columns.h"
#include "harness/store/run_file.h"

namespace vidattn {

/// What `run` prints of a denoising run: its first own step, the steady state and the whole run of
/// every backend, means per step, with the steps that each is over.
std::string steps_tables(const std::vector<Measurement>& cases, const ColumnChoice& choice);

}  // namespace vidattn
