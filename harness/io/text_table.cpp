#include "harness/io/text_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/io/text/escape.h"
#include "harness/io/text/markdown.h"
#include "harness/io/text/pages.h"

namespace vidattn {
namespace {

std::string marked_up_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

std::vector<std::string> in_markdown(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = markdown(cell);
  return cells;
}

std::string latex_row(const std::vector<std::string>& cells) {
  std::vector<std::string> safe;
  for (const std::string& cell : cells) safe.push_back(latex(cell));
  return fmt::format("{} \\\\\n", fmt::join(safe, " & "));
}

std::string on_a_page(const std::string& table) {
  return "\\noindent\n"
         "\\resizebox*{!}{\\ifdim\\totalheight>.86\\textheight "
         ".86\\textheight\\else\\totalheight\\fi}{%\n"
         "\\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%\n" +
         table.substr(0, table.find_last_not_of('\n') + 1) + "%\n}}\n";
}

}  // namespace

std::string text_table(const std::vector<std::string>& headers, const TableRows& rows) {
  TableRows all{headers};
  all.insert(all.end(), rows.begin(), rows.end());
  std::vector<size_t> width(headers.size());
  for (auto& row : all)
    for (size_t c = 0; c < row.size(); ++c) {
      row[c] = printable(row[c]);
      width[c] = std::max(width[c], row[c].size());
    }
  std::string text;
  for (const auto& row : all) {
    for (size_t c = 0; c < row.size(); ++c)
      text += c == 0 ? fmt::format("{:<{}}", row[c], width[c])
                     : fmt::format("  {:>{}}", row[c], width[c]);
    text += "\n";
  }
  return text;
}

std::string markdown_table(const std::vector<std::string>& headers, const TableRows& rows,
                           const std::string& alignment) {
  TableRows safe;
  for (const auto& row : rows) safe.push_back(in_markdown(row));
  return marked_up_table(in_markdown(headers), safe, alignment);
}

std::string marked_up_table(const std::vector<std::string>& headers, const TableRows& rows,
                            const std::string& alignment) {
  std::string text = marked_up_row(headers) + "|";
  for (char side : alignment) text += side == 'l' ? "---|" : "---:|";
  text += "\n";
  for (const auto& row : rows) text += marked_up_row(row);
  return text;
}

std::string latex_table(const std::vector<std::string>& headers, const TableRows& rows) {
  std::string text = fmt::format(
      "% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{l{}}}\n\\toprule\n{}\\midrule\n",
      std::string(headers.size() - 1, 'r'), latex_row(headers));
  for (const auto& row : rows) text += latex_row(row);
  return text + "\\bottomrule\n\\end{tabular}\n";
}

std::string latex_pages(const std::vector<std::string>& headers, const TableRows& rows) {
  std::string text = "% needs \\usepackage{graphicx}\n";
  for (const auto& [first, last] : even_pages(rows.size(), kPageLines))
    text += (first == 0 ? "" : "\\par\\medskip\n") +
            on_a_page(latex_table(headers, {rows.begin() + first, rows.begin() + last}));
  return text;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ",";
    line += csv_field(field);
  }
  return line + "\n";
}

}  // namespace vidattn
