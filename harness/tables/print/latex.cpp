#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/io/text/escape.h"
#include "harness/io/text/pages.h"
#include "harness/io/text/shortened.h"
#include "harness/tables/print/formats.h"
#include "harness/tables/print/layout.h"
#include "harness/tables/print/pages.h"

namespace vidattn {
namespace {

// What is larger than the page that it is pasted into is scaled down; a brace ends it.
constexpr const char* kNoWider =
    "\\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%\n";
constexpr const char* kNoTaller =
    "\\resizebox*{!}{\\ifdim\\totalheight>.86\\textheight "
    ".86\\textheight\\else\\totalheight\\fi}{%\n";

std::string spanned(size_t columns, char side, const std::string& text) {
  return fmt::format("\\multicolumn{{{}}}{{{}}}{{{}}}", columns, side, latex(text));
}

std::string line_of(const std::vector<std::string>& cells) {
  return fmt::format("{} \\\\\n", fmt::join(cells, " & "));
}

/// A line of the head: a name over the stub, or one for each of its columns, and one for each
/// group.
std::string head_line(const Part& part, std::vector<std::string> cells,
                      const std::vector<std::string>& values) {
  for (size_t c = 0; c < part.columns.size(); ++c)
    cells.push_back(spanned(part.columns[c].subs.size(), 'c', values[c]));
  return line_of(cells);
}

/// The rules below the groups of columns.
std::string group_rules(const Part& part) {
  std::string rules;
  size_t first = part.stub.size() + 1;
  for (const Part::Column& column : part.columns) {
    rules += fmt::format("\\cmidrule(lr){{{}-{}}}", first, first + column.subs.size() - 1);
    first += column.subs.size();
  }
  return rules + "\n";
}

/// A sub-column's heading, a line for each word: its figures are narrower.
std::string stacked(const std::string& heading) {
  const size_t space = heading.find(' ');
  if (space == std::string::npos) return latex(heading);
  return fmt::format("\\shortstack[r]{{{}\\\\{}}}", latex(heading.substr(0, space)),
                     latex(heading.substr(space + 1)));
}

std::string head(const Part& part) {
  std::vector<std::string> stub, headings;
  for (const std::string& name : part.stub) stub.push_back(latex(name));
  for (const Part::Column& column : part.columns) headings.push_back(column.heading);
  std::string out = head_line(part, stub, headings);
  for (const Part::HeadLine& line : part.lines) {
    std::vector<std::string> names(part.stub.size());
    names.back() = latex(line.name);
    out += head_line(part, names, line.values);
  }
  std::vector<std::string> subs(part.stub.size());
  for (const Part::Column& column : part.columns)
    for (const std::string& sub : column.subs) subs.push_back(stacked(sub));
  return out + group_rules(part) + line_of(subs);
}

/// The first text of a row's stub: one for all rows that have it, where there are others behind it.
std::string first_of_stub(const Part& part, size_t r) {
  const auto name = [&](size_t row) { return part.rows[row].stub.front(); };
  if (part.stub.size() == 1 || name(r).empty()) return latex(name(r));
  if (r > 0 && name(r - 1) == name(r)) return {};
  size_t end = r + 1;
  while (end < part.rows.size() && name(end) == name(r)) ++end;
  if (end == r + 1) return latex(name(r));
  return fmt::format("\\multirow{{{}}}{{*}}{{{}}}", end - r, latex(name(r)));
}

/// A figure with the marks of its notes; a minus is no hyphen.
std::string marked(const Entry& entry) {
  const bool negative = entry.text.starts_with('-');
  std::string figure = (negative ? "$-$" : "") + latex(entry.text.substr(negative ? 1 : 0));
  if (entry.notes.empty()) return figure;
  return fmt::format("{}\\textsuperscript{{{}}}", figure, fmt::join(entry.notes, ","));
}

std::string body(const Part& part) {
  std::string out;
  for (size_t r = 0; r < part.rows.size(); ++r) {
    std::vector<std::string> cells = {first_of_stub(part, r)};
    for (size_t s = 1; s < part.stub.size(); ++s) cells.push_back(latex(part.rows[r].stub[s]));
    for (const Entry& entry : part.rows[r].entries) cells.push_back(marked(entry));
    out += line_of(cells);
  }
  return out;
}

size_t width_of(const Part& part) {
  size_t width = part.stub.size();
  for (const Part::Column& column : part.columns) width += column.subs.size();
  return width;
}

/// Whether TeX can measure it: it fails at a width above 16383pt, which one long name can have.
bool measurable(const std::string& lines) {
  constexpr size_t kLongest = 1500;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    if (end - begin > kLongest) return false;
    begin = end + 1;
  }
  return true;
}

std::string tabular(const Part& part) {
  const std::string title =
      "\\par\\medskip\n" + (part.title.empty() ? "" : latex(part.title) + "\\par\\smallskip\n");
  const std::string lines =
      fmt::format("\\begin{{tabular}}{{{}{}}}\n\\toprule\n", std::string(part.stub.size(), 'l'),
                  std::string(width_of(part) - part.stub.size(), 'r')) +
      head(part) + "\\midrule\n" + body(part) + "\\bottomrule\n\\end{tabular}";
  return title + (measurable(lines) ? kNoWider + lines + "}" : lines) + "\n";
}

/// A part without its columns and what stands in them.
Part stubs_of(const Part& part, const std::string& title) {
  Part stubs{title, part.stub, {}, {}, {}};
  for (const Part::HeadLine& line : part.lines) stubs.lines.push_back({line.name, {}});
  for (const Part::Row& row : part.rows) stubs.rows.push_back({row.stub, {}});
  return stubs;
}

/// The parts, those that are too wide to be read on a page cut between columns: the stub stands in
/// each piece.
std::vector<Part> readable_parts(const std::vector<Part>& parts) {
  constexpr size_t kWidest = 11;
  std::vector<Part> pieces;
  for (const Part& part : parts) {
    pieces.push_back(stubs_of(part, part.title));
    size_t first = 0;  // entry
    for (size_t c = 0; c < part.columns.size(); ++c) {
      const size_t subs = part.columns[c].subs.size();
      if (!pieces.back().columns.empty() && width_of(pieces.back()) + subs > kWidest)
        pieces.push_back(stubs_of(part, ""));
      Part& piece = pieces.back();
      piece.columns.push_back(part.columns[c]);
      for (size_t l = 0; l < part.lines.size(); ++l)
        piece.lines[l].values.push_back(part.lines[l].values[c]);
      for (size_t r = 0; r < part.rows.size(); ++r) {
        const auto from = part.rows[r].entries.begin() + static_cast<ptrdiff_t>(first);
        piece.rows[r].entries.insert(piece.rows[r].entries.end(), from,
                                     from + static_cast<ptrdiff_t>(subs));
      }
      first += subs;
    }
  }
  return pieces;
}

/// A size of type at which the widest part is about as wide as a page.
const char* type_size(const std::vector<Part>& parts) {
  constexpr size_t kSmall = 10, kFootnote = 14;
  size_t widest = 0;
  for (const Part& part : parts) widest = std::max(widest, width_of(part));
  if (widest <= kSmall) return "\\small";
  return widest <= kFootnote ? "\\footnotesize" : "\\scriptsize\\setlength{\\tabcolsep}{2pt}";
}

/// A note below the table.
std::string paragraph(const std::string& mark, const std::string& text) {
  return "\\noindent" + mark + (mark.empty() ? "{}" : " ") + text + "\\par\n";
}

std::string lines_in_latex(const std::string& text) {
  std::string out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out += (begin > 0 ? "\\\\\n" : "") + latex(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// What the headings mean, and the notes.
std::string explanations(const Table& table) {
  std::string out;
  for (const auto& [name, text] : legend_of(table))
    out += paragraph("\\emph{" + latex(name) + "}:", lines_in_latex(text));
  if (!table.notes.empty() || !table.remarks.empty())
    out += "\\smallskip\\noindent\\textbf{Notes}\\par\n";
  for (const Note& note : table.notes)
    out += paragraph("\\textsuperscript{" + note.key + "}", lines_in_latex(note.text));
  for (const std::string& remark : table.remarks) out += paragraph({}, lines_in_latex(remark));
  return out;
}

/// TeX sets a caption in one line first, and knows no line of six metres.
std::string in_caption(const std::string& text) {
  constexpr size_t kMost = 400;  // characters
  return latex(shortened(text, kMost));
}

/// A page of the table: the first of them, or one that goes on with it under the same number.
std::string float_of(const Table& table, bool first, const std::string& content) {
  return fmt::format(
      "\\begin{{table*}}\n\\centering\n{}\\caption{{{} ({}){}}}\\smallskip\n"
      "{}\\begin{{minipage}}{{\\textwidth}}\\centering{}\\end{{minipage}}}}\n\\end{{table*}}\n",
      first ? "" : "\\addtocounter{table}{-1}\n", in_caption(table.title), in_caption(table.where),
      first ? "" : ", continued", kNoTaller, content);
}

/// The text below the table. In smaller type where it would fill a page.
std::string text_below(const std::string& text) {
  constexpr size_t kLong = 3000;
  return fmt::format(
      "\\par\\smallskip\n\\begin{{minipage}}{{\\textwidth}}{}\n{}\\end{{minipage}}\n",
      text.size() > kLong ? "\\scriptsize" : "\\footnotesize", text);
}

}  // namespace

std::string table_as_latex(const Table& table) {
  const std::vector<Part> parts = readable_parts(parts_of(table, Digits::shown));
  const std::vector<std::vector<Part>> pages = pages_of(parts);
  std::string out = fmt::format("% {}; needs \\usepackage{{booktabs,graphicx,multirow}}\n",
                                printable(table.label));
  std::vector<std::string> contents;
  for (const std::vector<Part>& page : pages) {
    std::string& content = contents.emplace_back(std::string(type_size(parts)) + "\n");
    for (const Part& part : page) content += tabular(part);
  }
  const std::string text = explanations(table);
  if (pages.size() > 1 && lines_of(pages.back()) + lines_of(text) > kPageLines)
    contents.emplace_back();  // a page for the text
  contents.back() += text_below(text);
  for (const std::string& content : contents)
    out += float_of(table, &content == contents.data(), content);
  return out;
}

}  // namespace vidattn
