#pragma once

#include <string>

#include "harness/tables/table.h"

namespace vidattn {

// One table in each of the formats of print_tables().

std::string table_as_text(const Table& table);
std::string table_as_markdown(const Table& table);
std::string table_as_latex(const Table& table);
std::string table_as_csv(const Table& table);

}  // namespace vidattn
