#pragma once

#include <string>
#include <vector>

#include "harness/tables/operators/operator.h"
#include "harness/tables/paper.h"
#include "harness/tables/table.h"

namespace vidattn {

/// Table 11's rows measured on this machine: times, speedups and what they realise of 1/density,
/// each with its error, and the notes that explain them. After an interrupt, those that were
/// finished; a note names the others.
void add_measured_latency(Table& table, const std::vector<PaperRow>& rows, const DitModel& model,
                          const TableOptions& options);

/// The table of the same shape for options.backends.
Table latency_of_methods(const PaperTable& paper, const TableOptions& options);

/// How a time was measured; `runs`: fewest that a measured operator of the table has.
std::string sampling_note(const OperatorTime& time, size_t runs, const TableOptions& options);

}  // namespace vidattn
