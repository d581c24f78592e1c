#pragma once

#include <string>
#include <vector>

#include "harness/measure/record/measurement.h"

namespace vidattn {

/// What `vidattn run --ranks` prints beside its table: how even every case's plan is over each
/// number of ranks, and what a rank sends, one table for Ulysses and one for a ring. Ranks that are
/// refused have no numbers, and a line with the reason. Empty where no case was asked for any.
std::string rank_tables(const std::vector<Measurement>& cases);

}  // namespace vidattn
