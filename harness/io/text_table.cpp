#include "harness/io/text_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace vidattn {
namespace {

std::string escaped(const std::string& text, std::string_view special) {
  std::string out;
  for (char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + markdown_escaped(cell) + " |";
  return line + "\n";
}

std::string latex_row(const std::vector<std::string>& cells) {
  std::vector<std::string> safe;
  for (const std::string& cell : cells) safe.push_back(escaped(cell, "&%$#_{}"));
  return fmt::format("{} \\\\\n", fmt::join(safe, " & "));
}

}  // namespace

std::string text_table(const std::vector<std::string>& headers, const TableRows& rows) {
  std::vector<size_t> width;
  for (const auto& header : headers) width.push_back(header.size());
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c)
      line += c == 0 ? fmt::format("{:<{}}", row[c], width[c])
                     : fmt::format("  {:>{}}", row[c], width[c]);
    text += line + "\n";
  };
  add(headers);
  for (const auto& row : rows) add(row);
  return text;
}

std::string markdown_escaped(const std::string& text) { return escaped(text, "|"); }

std::string markdown_table(const std::vector<std::string>& headers, const TableRows& rows,
                           const std::string& alignment) {
  std::string text = markdown_row(headers) + "|";
  for (char side : alignment) text += side == 'l' ? "---|" : "---:|";
  text += "\n";
  for (const auto& row : rows) text += markdown_row(row);
  return text;
}

std::string latex_table(const std::vector<std::string>& headers, const TableRows& rows) {
  std::string text = fmt::format(
      "% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{l{}}}\n\\toprule\n{}\\midrule\n",
      std::string(headers.size() - 1, 'r'), latex_row(headers));
  for (const auto& row : rows) text += latex_row(row);
  return text + "\\bottomrule\n\\end{tabular}\n";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ",";
    if (field.find_first_of(",\"\n\r") == std::string::npos) {
      line += field;
      continue;
    }
    line += '"';
    for (char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace vidattn
