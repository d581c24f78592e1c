#pragma once

#include <vector>

#include "harness/store/run.h"

namespace vidattn {

/// Whether cases were refused; says how many on stderr, as the exit code is `usage` then and the
/// reasons stand in the table.
bool say_refused(const std::vector<Measurement>& cases);

}  // namespace vidattn
