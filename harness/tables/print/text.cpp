#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/io/text/escape.h"
#include "harness/io/text_table.h"
#include "harness/tables/print/formats.h"
#include "harness/tables/print/layout.h"

namespace vidattn {
namespace {

std::vector<Origin> origins_of(const Table& table) {
  std::vector<Origin> found;
  for (Origin origin : kOrigins)
    if (std::any_of(table.cells.begin(), table.cells.end(),
                    [&](const Cell& c) { return std::isfinite(c.value(origin)); }))
      found.push_back(origin);
  return found;
}

std::string value_text(const Cell& cell, Origin origin) {
  if (origin == Origin::paper) return cell.printed.empty() ? "-" : cell.printed;
  const std::string value = significant(cell.value(origin), cell.digits);
  return origin == Origin::measured ? with_error(cell, value) : value;
}

TableRows rows_of(const Table& table, const std::vector<Origin>& origins) {
  TableRows rows;
  for (const Cell& cell : table.cells) {
    auto& row = rows.emplace_back(std::vector{cell.row, cell.column, cell.unit});
    for (Origin origin : origins) row.push_back(value_text(cell, origin));
    // Which value the difference is of matters only where it is not the usual one.
    const bool measured = cell.compared == Origin::measured && std::isfinite(cell.difference());
    row.push_back(percent(cell.difference()) + (measured ? " (measured)" : ""));
    row.push_back(fmt::format("{}", fmt::join(cell.notes, " ")));
  }
  return rows;
}

std::string wrapped(const std::string& text, const std::string& first, size_t width) {
  std::string out, line = first;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string word = text.substr(at, end - at);
    if (used > 0 && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line = std::string(first.size(), ' ');
      used = 0;
    }
    line += (used++ > 0 ? " " : "") + word;
    if (end < text.size() && text[end] == '\n') {
      out += line + "\n";
      line = std::string(first.size(), ' ');
      used = 0;
    }
    at = end + 1;
  }
  return out + line + "\n";
}

}  // namespace

std::string table_as_text(const Table& table) {
  constexpr size_t kWidth = 100;
  const std::vector<Origin> origins = origins_of(table);
  std::vector<std::string> headers = {"row", "column", "unit"};
  for (Origin origin : origins) headers.push_back(heading_of(origin));
  headers.insert(headers.end(), {"difference", "notes"});
  std::string out = fmt::format("{}: {}\n{}\n\n{}\n", table.label, table.title, table.where,
                                text_table(headers, rows_of(table, origins)));
  for (const auto& [name, text] : legend_of(table)) out += wrapped(text, name + ": ", kWidth);
  for (const Note& note : table.notes)
    out += wrapped(note.text, fmt::format("[{}] ", note.key), kWidth);
  for (const std::string& remark : table.remarks) out += wrapped(remark, "- ", kWidth);
  return printable_lines(out);
}

}  // namespace vidattn
