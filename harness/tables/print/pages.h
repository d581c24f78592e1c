#pragma once

#include <string>
#include <vector>

#include "harness/tables/print/layout.h"

namespace vidattn {

/// The parts, those that are too long for one page cut between rows, as they stand on pages of
/// kPageLines lines. All on one page where they fit; a page has at least one row.
std::vector<std::vector<Part>> pages_of(const std::vector<Part>& parts);

/// Lines of a page's tables: rows, heads and titles.
size_t lines_of(const std::vector<Part>& page);
/// About as many as a text of notes takes.
size_t lines_of(const std::string& text);

}  // namespace vidattn
