#pragma once

#include <string>
#include <vector>

namespace vidattn {

using TableRows = std::vector<std::vector<std::string>>;

// Cells may hold any text: each format has them as io/text/escape.h and markdown.h say.

/// Aligned text table; the first column is left-aligned, the others right-aligned.
std::string text_table(const std::vector<std::string>& headers, const TableRows& rows);

/// Markdown table, a column aligned as `alignment` has it: one 'l' or 'r' for each.
std::string markdown_table(const std::vector<std::string>& headers, const TableRows& rows,
                           const std::string& alignment);

/// The same of cells that are Markdown themselves (io/text/markdown.h).
std::string marked_up_table(const std::vector<std::string>& headers, const TableRows& rows,
                            const std::string& alignment);

/// LaTeX table in booktabs' style, the first column left-aligned, the others right-aligned.
std::string latex_table(const std::vector<std::string>& headers, const TableRows& rows);
/// The same to paste into a page, scaled down where it is larger than that. What is too long for a
/// page that one can read becomes several tables, one below the other, each with the headers.
std::string latex_pages(const std::vector<std::string>& headers, const TableRows& rows);

/// RFC 4180: a line of fields, quoted where needed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace vidattn
