#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/tables/operators/operator.h"
#include "harness/tables/paper.h"
#include "harness/tables/table.h"

namespace vidattn {

/// A length that a table is made at.
struct TableLength {
  std::string label;  ///< of the rows
  int64_t tokens = 0;
};

/// The lengths that the paper's rows or columns are of, each once.
std::vector<TableLength> paper_lengths(const PaperTable& paper);

/// The lengths of a table of other methods: `lengths`, or the --tokens that were asked for (under
/// the label of the same length where there is one).
std::vector<TableLength> wanted_lengths(const std::vector<TableLength>& lengths,
                                        const TableOptions& options);

/// Adds the cells of one method at one length; `full` is full attention timed beside it.
using AddMethodCells = std::function<void(const TableLength& length, const OperatorTime& time,
                                          const OperatorTime& full)>;

/// Fills a table with options.backends in place of moga_stga (see method_times()), each line told
/// on stderr as soon as it is known. Notes say what was refused and, after an interrupt, what is
/// not done. details["operators"] holds everything.
void add_methods(Table& table, const DitModel& model, const std::vector<TableLength>& lengths,
                 const TableOptions& options, const AddMethodCells& add_cells);

/// What tables 4, 5 and 6 say of other methods: density, and PFLOPs of one forward pass with it.
Table method_flops_table(const PaperTable& paper, const TableOptions& options);

}  // namespace vidattn
