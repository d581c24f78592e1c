#include "harness/io/text/escape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "harness/io/text/console.h"
#include "harness/io/text_table.h"
#include "tests/harness/hostile.h"

namespace vidattn {
namespace {

using testing::has_controls;
using testing::hostile_texts;

TEST(Escape, PrintableShowsWhatWouldControlATerminal) {
  EXPECT_EQ(printable("moga:num_groups=20 [cpu f32] é 日 🎬"),
            "moga:num_groups=20 [cpu f32] é 日 🎬");
  EXPECT_EQ(printable("\x1b[31m\r\n\t\x7f"), "\\u001b[31m\\u000d\\u000a\\u0009\\u007f");
  EXPECT_EQ(printable("\xc2\x9b\xe2\x80\xae\xe2\x81\xa9\xef\xbf\xbf"),
            "\\u009b\\u202e\\u2069\\uffff");
  EXPECT_EQ(printable("a\xff"
                      "b\xed\xa0\x80"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(printable("a\u2028b\u2029c\u0085d"), "a\\u2028b\\u2029c\\u0085d");
  EXPECT_EQ(printable_lines("\u061c\u200e\u200f\u202a\u202d\u2066"),
            "\\u061c\\u200e\\u200f\\u202a\\u202d\\u2066");
  EXPECT_EQ(printable("\u2027\u202f\u2065\u206a\u200d"), "\u2027\u202f\u2065\u206a\u200d");
  EXPECT_EQ(printable_lines("a\n\x1b\n"), "a\n\\u001b\n");
  EXPECT_EQ(printable(""), "");
}

TEST(Escape, NothingControlsATerminalOrBreaksALine) {
  for (const std::string& text : hostile_texts("x")) {
    EXPECT_FALSE(has_controls(printable(text))) << printable(text);
    EXPECT_EQ(printable(text).find('\n'), std::string::npos) << printable(text);
  }
}

TEST(Escape, JsonStaysTheSameJson) {
  for (const std::string& text : hostile_texts("x")) {
    const std::string dumped =
        nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    EXPECT_EQ(nlohmann::json::parse(printable_lines(dumped)), nlohmann::json::parse(dumped));
  }
}

TEST(Escape, LatexHasNoCommandButItsOwn) {
  EXPECT_EQ(latex("moga_stga 50%"), "moga\\_stga 50\\%");
  EXPECT_EQ(latex("\\input{x}~^<>|#&$"),
            "\\textbackslash{}input\\{x\\}\\textasciitilde{}\\textasciicircum{}\\textless{}"
            "\\textgreater{}\\textbar{}\\#\\&\\$");
  EXPECT_EQ(latex("[5pt]"), "{}[5pt]");  // \\[5pt] is a space below the row above
  EXPECT_EQ(latex("*"), "{}*");
  EXPECT_EQ(latex("--out f"), "-{}-out f");  // no dash
  EXPECT_EQ(latex("10^9 bytes, 10^-6"), "10\\textsuperscript{9} bytes, 10\\textsuperscript{$-$6}");
  EXPECT_EQ(latex("^9 a^2 2^x 3^"),
            "\\textasciicircum{}9 a\\textasciicircum{}2 "
            "2\\textasciicircum{}x 3\\textasciicircum{}");
  EXPECT_EQ(latex("§3 ±2% → é"), "\\S{}3 $\\pm$2\\% $\\rightarrow$ é");
  EXPECT_EQ(latex("a 日 🎬 þ"), "a [U+65E5] [U+1F3AC] [U+00FE]");  // pdfLaTeX has no such letters
  const std::regex own(
      R"(\\text[a-z]+\{\}|\\[{}$&#%_]|\{\}|\\dots\{\}|\$\\[a-z]+\$|\\textsuperscript\{(\$-\$)?\d+\})");
  for (const std::string& text : hostile_texts("x")) {
    const std::string rest = std::regex_replace(latex(text), own, "");
    EXPECT_EQ(rest.find_first_of("\\{}$&#%_~^\n"), std::string::npos) << latex(text);
  }
}

TEST(Escape, XmlHasNoMarkupAndOnlyItsCharacters) {
  EXPECT_EQ(xml("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;'");
  for (const std::string& text : hostile_texts("x")) {
    EXPECT_EQ(xml(text).find_first_of("<>\"\n"), std::string::npos) << xml(text);
    EXPECT_FALSE(has_controls(xml(text))) << xml(text);
  }
}

TEST(Escape, CsvKeepsTheText) {
  EXPECT_EQ(csv_field("a b"), "a b");
  EXPECT_EQ(csv_field("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
}

TEST(Escape, CsvHasNoFormulas) {
  for (const char* text : {"=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "=x,y"})
    EXPECT_NE(csv_field(text).find(std::string("'") + text), std::string::npos) << text;
  for (const char* text : {"-", "-0.5", "+1.25", "-1e-07", "1=1", "a", ""})
    EXPECT_EQ(csv_field(text), text);
}

TEST(Escape, TablesHaveAsManyLinesAndCellsAsTheyWereGiven) {
  for (const std::string& text : hostile_texts("x")) {
    const TableRows rows{{text, text}, {"a", "b"}};
    const auto count = [](const std::string& table, char c) {
      return std::count(table.begin(), table.end(), c);
    };
    EXPECT_EQ(count(text_table({"h", "h"}, rows), '\n'), 3) << text;
    EXPECT_EQ(count(markdown_table({"h", "h"}, rows, "lr"), '\n'), 4) << text;
    EXPECT_EQ(count(latex_table({"h", "h"}, rows), '\n'), 9) << text;
    EXPECT_FALSE(has_controls(text_table({"h", "h"}, rows))) << text;
  }
}

TEST(Console, PrintsNothingThatATerminalObeys) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  for (const std::string& text : hostile_texts("x")) print_text(file, text + "\n");
  std::string printed(static_cast<size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  ASSERT_EQ(std::fread(printed.data(), 1, printed.size(), file), printed.size());
  std::fclose(file);
  EXPECT_NE(printed.find("\\u001b[2J"), std::string::npos);
  EXPECT_FALSE(has_controls(printed));
}

}  // namespace
}  // namespace vidattn
