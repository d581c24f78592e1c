#pragma once

#include "harness/host/exit_code.h"
#include "harness/tables/options.h"
#include "harness/tables/table.h"

namespace vidattn {

using MakeTable = Table (*)(const TableOptions&);

/// Makes a table part of `vidattn table`: one file, as
///   const RegisterTable registered(12, table12);
class RegisterTable {
 public:
  RegisterTable(int number, MakeTable make);
};

/// The numbers of all tables, ascending: "4, 5, 6".
std::string table_numbers();

/// MoGA's Table 4: sparsity and PFLOPs over the number of groups at 10 s.
Table table4(const TableOptions& options);
/// MoGA's Table 5: PFLOPs over the number of groups and the duration.
Table table5(const TableOptions& options);
/// MoGA's Figure 6: its two printed points; the figure's curves are in details["curves"].
Table table6(const TableOptions& options);
/// MoGA's Table 11: latency of the operator; for other backends a table of the same shape.
Table table11(const TableOptions& options);
/// MoGA's Table 12: training iteration and inference step, and the whole generation taken apart.
Table table12(const TableOptions& options);

/// `vidattn table`: makes the tables, prints them and writes the files. After an
/// interrupt, what was measured is printed and written. Throws InputError for an unknown table,
/// model or file ending before any work.
ExitCode tables(const TableOptions& options);

}  // namespace vidattn
