#pragma once

#include <string>
#include <vector>

#include "harness/tables/table.h"

namespace vidattn {

// settled() tables in the formats of print_tables().

std::string table_as_text(const Table& table);
std::string table_as_markdown(const Table& table);
std::string table_as_latex(const Table& table);
std::string tables_as_csv(const std::vector<Table>& tables);

}  // namespace vidattn
