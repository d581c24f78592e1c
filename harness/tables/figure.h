#pragma once

#include <string>

#include "harness/tables/table.h"

namespace vidattn {

/// Draws MoGA's Figure 6 from table6()'s details["curves"] with gnuplot: PFLOPs over the duration,
/// one line per number of groups, the printed points beside it. `path` ends in .svg, .png or .pdf.
/// Throws InputError when gnuplot is missing or fails, or the file cannot be written.
void write_figure(const Table& table, const std::string& path);

}  // namespace vidattn
