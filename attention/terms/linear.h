#pragma once

#include "attention/device.h"

namespace vidattn {

/// Adds a plan's linear terms and the slopes of its branches' values (Branch::value_slope) to an
/// output that holds everything else, by BLAS on the host, head by head: 2·F·DV multiply-adds for
/// each token of a linear term, and DV² with a projection; D·DV for one of a slope. Ends early, by
/// Cancelled, where runs are cancelled.
void add_linear_terms(const Plan& plan, const Inputs& in, Output& out);

}  // namespace vidattn
