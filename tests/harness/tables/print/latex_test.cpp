#include "tests/harness/latex.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "harness/io/json_file.h"
#include "harness/io/text_table.h"
#include "harness/tables/print/print.h"
#include "harness/tables/tables.h"
#include "tests/harness/files.h"
#include "tests/harness/hostile.h"
#include "tests/harness/tables/made.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::compiled;
using testing::has_latex;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

/// Columns that a line of a tabular fills: its cells, each as wide as it says.
int width_of_line(const std::string& line) {
  static const std::regex separator(R"((^|[^\\])&)"), span(R"(\\multicolumn\{(\d+)\})");
  int width = 1;
  for (std::sregex_iterator at(line.begin(), line.end(), separator), end; at != end; ++at) ++width;
  for (std::sregex_iterator at(line.begin(), line.end(), span), end; at != end; ++at)
    width += std::stoi((*at)[1]) - 1;
  return width;
}

/// Every line of every tabular has the columns that its head declares.
void expect_even_tabulars(const std::string& latex) {
  std::istringstream lines(latex);
  std::string line;
  int columns = 0, seen = 0;
  while (std::getline(lines, line)) {
    static const std::regex begin(R"(\\begin\{tabular\}\{([lr]+)\})");
    std::smatch match;
    if (std::regex_search(line, match, begin)) {
      columns = static_cast<int>(match[1].length());
      EXPECT_LE(columns, 11) << "small type: " << line;
    } else if (line.starts_with("\\end{tabular}")) {
      columns = 0;
    } else if (columns > 0 && line.ends_with(" \\\\")) {
      EXPECT_EQ(width_of_line(line), columns) << line;
      ++seen;
    }
  }
  EXPECT_GT(seen, 4);
}

/// Nothing is wider than the text or taller than the page.
void expect_on_the_page(const std::string& log) {
  static const std::regex wide(R"(Overfull \\hbox \(([0-9.]+)pt)");
  for (std::sregex_iterator at(log.begin(), log.end(), wide), end; at != end; ++at)
    EXPECT_LT(std::stod((*at)[1]), 5) << at->str();
  EXPECT_EQ(log.find("Float too large"), std::string::npos);
}

TEST(LatexTables, EveryTableCompiles) {
  const ToolResult all = run_tool("table all --format latex");
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const std::string made =
      print_tables({testing::measured_table(), testing::methods_table()}, TableFormat::latex);
  expect_even_tabulars(all.out);
  expect_even_tabulars(made);
  if (!has_latex()) GTEST_SKIP() << "no pdflatex: only the tables' columns were counted";
  for (const char* columns : {"onecolumn", "twocolumn"}) {
    SCOPED_TRACE(columns);
    expect_on_the_page(compiled(all.out + made, columns));
  }
}

/// Lines of the rows of every tabular.
std::vector<int> rows_of_tabulars(const std::string& latex) {
  std::vector<int> rows;
  std::istringstream lines(latex);
  bool body = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "\\midrule") rows.push_back(0);
    body = line == "\\midrule" || (body && line != "\\bottomrule");
    if (body && line.ends_with(" \\\\")) ++rows.back();
  }
  return rows;
}

int count_of(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(LatexTables, ALongTableIsPartedOverPagesOfOneNumber) {
  const std::string latex = print_tables({testing::long_table(50)}, TableFormat::latex);
  expect_even_tabulars(latex);
  EXPECT_EQ(rows_of_tabulars(latex), (std::vector{33, 33, 34})) << latex;
  EXPECT_EQ(count_of(latex, "\\begin{table*}"), 3);
  EXPECT_EQ(count_of(latex, "a test), continued}"), 2);
  EXPECT_EQ(count_of(latex, "\\addtocounter{table}{-1}"), 2);
  EXPECT_EQ(count_of(latex, " method 49 "), 2) << "every row once";
  EXPECT_NE(latex.find("\\multirow{17}{*}{5 s} & method 33 "), std::string::npos)
      << "a length that goes on is named again";
  if (has_latex()) expect_on_the_page(compiled(latex, "twocolumn"));
}

TEST(LatexTables, NotesThatFillAPageStandOnOneOfTheirOwnBehindALongTable) {
  Table table = testing::long_table(50);
  for (int i = 0; i < 40; ++i) table.note("note of a line, " + std::to_string(i));
  const std::string latex = print_tables({table}, TableFormat::latex);
  EXPECT_EQ(count_of(latex, "\\begin{table*}"), 4);
  EXPECT_GT(latex.find("\\textbf{Notes}"), latex.rfind("\\begin{table*}"));
  if (has_latex()) expect_on_the_page(compiled(latex, "onecolumn"));
}

TEST(LatexTables, WhatFitsAPageStaysOnOne) {
  const std::string latex = print_tables({testing::long_table(21)}, TableFormat::latex);
  EXPECT_EQ(rows_of_tabulars(latex), std::vector{42});
  EXPECT_EQ(count_of(latex, "\\begin{table*}"), 1);
  EXPECT_EQ(latex.find("continued"), std::string::npos);
}

TEST(LatexTables, LongTablesOfRunsArePartedToo) {
  const TableRows rows(100, {"a_method", "0.25", "1.5"});
  const std::string latex = latex_pages({"method", "density", "speedup"}, rows);
  EXPECT_EQ(rows_of_tabulars(latex), (std::vector{33, 33, 34}));
  EXPECT_EQ(count_of(latex, "method & density & speedup"), 3);
  EXPECT_EQ(rows_of_tabulars(latex_pages({"a", "b"}, TableRows(45, {"x", "1"}))), std::vector{45});
  EXPECT_EQ(rows_of_tabulars(latex_pages({"a", "b"}, {})), std::vector{0});
  if (has_latex()) expect_on_the_page(compiled(latex, "onecolumn"));
}

TEST(LatexTables, TextsOfOthersAreOnlyTexts) {
  const TemporaryFolder folder;
  const std::string pwned = folder / "pwned";
  const std::vector<std::string> texts = testing::hostile_texts(pwned);
  auto paper = parse_json(read_bytes(VIDATTN_SOURCE_DIR "/results/paper/table5.json"));
  std::string all;
  for (size_t i = 0; i < texts.size();) {
    const auto next = [&] {
      const std::string& text = texts[i++ % texts.size()];
      return testing::has_controls(text) || text.find('\n') != std::string::npos ? "\"" : text;
    };
    for (const char* key : {"title", "where", "label"}) paper[key] = next();
    for (auto& row : paper["rows"]) row["stub"] = {next(), next()};
    for (auto& heading : paper["columns"]) heading = next() + std::to_string(i);
    write_bytes(folder / "table5.json", paper.dump());
    TableOptions options;
    options.paper = folder.path().string();
    const std::string latex = print_tables({table5(options)}, TableFormat::latex);
    expect_even_tabulars(latex);
    all += latex + "\\clearpage\n";
  }
  if (!has_latex()) GTEST_SKIP() << "no pdflatex: only the tables' columns were counted";
  compiled(all, "onecolumn");
  EXPECT_FALSE(std::filesystem::exists(pwned));
}

TEST(LatexTables, ColumnsOfThePaperAreGroups) {
  const std::string latex = print_tables({table5({})}, TableFormat::latex);
  for (const char* part :
       {"% Table 5; needs \\usepackage{booktabs,graphicx,multirow}", "\\multicolumn{3}{c}{10 s}",
        "\\cmidrule(lr){3-5}\\cmidrule(lr){6-8}",
        "\\multirow{4}{*}{PFLOPs} & Full Attention & 0.28", "+47.5\\%\\textsuperscript{2}",
        "\\textsuperscript{2} 5 s: the dense layers",
        "Sequence length & \\multicolumn{3}{c}{31200}"})
    EXPECT_NE(latex.find(part), std::string::npos) << part << "\n" << latex;
  EXPECT_EQ(latex.find("{*}{}"), std::string::npos) << "a name of nothing";
}

TEST(LatexTables, NotesStandInTheFloat) {
  const std::string latex = print_tables({table4({})}, TableFormat::latex);
  const size_t notes = latex.find("\\textbf{Notes}");
  EXPECT_LT(notes, latex.find("\\textsuperscript{1} 4 of 5"));
  EXPECT_LT(notes, latex.find("\\noindent{}Counted plans also hold"));
  EXPECT_TRUE(latex.ends_with("\\end{table*}\n")) << latex;
}

TEST(LatexTables, AnErrorStandsBesideItsMeasuredValue) {
  const std::string latex = print_tables({testing::measured_table()}, TableFormat::latex);
  EXPECT_NE(latex.find("2.5 $\\pm$1.2\\%"), std::string::npos) << latex;
}

}  // namespace
}  // namespace vidattn
