#pragma once

#include "attention/plan.h"
#include "harness/distributed/ranks/communicator.h"
#include "metrics/ranks/cluster_time.h"

namespace vidattn {

/// The way from a rank to the next, while all ranks send: a byte and 4 MiB, medians.
Link measure_link(Communicator& world);

/// What the model of clusters (cluster_time.h) says for attention and exchanges of a call, lists
/// apart, when one rank alone takes `on_one` seconds for attention: a check of that model.
double predicted_seconds(const Plan& plan, const Inputs& in, RankGrid grid, double on_one,
                         const Link& link);

}  // namespace vidattn
