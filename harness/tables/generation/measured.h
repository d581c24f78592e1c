#pragma once

#include "harness/tables/generation/basis.h"
#include "harness/tables/table.h"

namespace vidattn {

/// Table 12 projected from operators and matrix products that are measured on this machine: times
/// and speedups of its rows, attention's share, and the memory of the operators in a note.
void add_measured_generation(Table& table, const Basis& basis);

/// Other methods (options.backends): the whole generation by FLOPs, and by time where it is
/// measured.
Table generation_of_methods(const Basis& basis);

}  // namespace vidattn
