#include "harness/io/text/markdown.h"

#include <gtest/gtest.h>

#include "harness/io/text_table.h"
#include "tests/harness/files.h"
#include "tests/harness/hostile.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::hostile_texts;

/// Hostile texts, and those that begin a block where they begin a line.
std::vector<std::string> texts() {
  std::vector<std::string> all = hostile_texts("x");
  for (const char* text : {"- item",      "+ item",
                           "* item",      "1. item",
                           "12) item",    "-",
                           "=",           "# heading",
                           "> quotation", "---",
                           "===",         "    code",
                           "[x] done",    "[a]: http://b",
                           "~~~",         "```",
                           "-0.5",        "1.5 ms",
                           "=x",          "moga:num_groups=20 [cpu f32]"})
    all.emplace_back(text);
  return all;
}

std::string without(std::string text, const std::string& part) {
  for (size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
  return text;
}

/// CommonMark 2.4: a backslash before ASCII punctuation is not shown, and makes it mean itself.
std::string unescaped(const std::string& markdown) {
  std::string text;
  for (size_t i = 0; i < markdown.size(); ++i) {
    const bool escapes =
        markdown[i] == '\\' && i + 1 < markdown.size() && std::ispunct(markdown[i + 1]) != 0;
    text += markdown[escapes ? ++i : i];
  }
  return text;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

TEST(Markdown, TextsStayLegible) {
  EXPECT_EQ(markdown("full [cpu f32] num_groups=20: 5% -0.5"),
            "full [cpu f32] num_groups=20: 5% -0.5");
  EXPECT_EQ(markdown("`x` *y* _z_ $a$"), "\\`x\\` \\*y\\* \\_z\\_ \\$a\\$");
  EXPECT_EQ(markdown("a|b\\|c"), "a\\|b\\\\\\|c");
  EXPECT_EQ(markdown("<b>[x](y)"), "\\<b>[x]\\(y)");
  EXPECT_EQ(markdown("@a #1"), "\\@<!-- -->a \\#<!-- -->1");
  EXPECT_EQ(markdown("https://x www.x"), "https:<!-- -->//x www\\.<!-- -->x");
  EXPECT_EQ(markdown(":+1: a:b 10:30:00 :100:"), ":<!-- -->+1: a:b 10:30:00 :<!-- -->100:");
  EXPECT_EQ(markdown("R&D & &amp; &#4;"), "R\\&D & \\&amp; \\&\\#<!-- -->4;");
  EXPECT_EQ(markdown_line("1. a"), "1\\. a");
  EXPECT_EQ(markdown_line("-0.5"), "-0.5");
  EXPECT_EQ(markdown_line("  - a"), "\\- a");
}

TEST(Markdown, BackslashesAreAllThatIsAdded) {
  for (const std::string& text : texts()) {
    EXPECT_EQ(unescaped(without(markdown(text), "<!-- -->")), printable(text));
    EXPECT_EQ(trimmed(unescaped(without(markdown_line(text), "<!-- -->"))),
              trimmed(printable(text)));
  }
}

/// What GitHub's own renderer makes of a document, without the comments.
class RenderedMarkdown : public ::testing::Test {
 protected:
  void SetUp() override {
    if (run_shell("cmark-gfm --version >/dev/null").exit_code != 0)
      GTEST_SKIP() << "cmark-gfm is missing";
  }
  std::string html(const std::string& document) const {
    const std::string path = folder_ / "a.md";
    testing::write_bytes(path, document);
    return without(
        run_shell("cmark-gfm --unsafe -e footnotes -e table -e strikethrough -e autolink "
                  "-e tagfilter -e tasklist <" +
                  path)
            .out,
        "<!-- -->");
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(RenderedMarkdown, TextsShowAsThemselvesOnALine) {
  EXPECT_NE(html("a@b.de www.x.yz").find("<a href"), std::string::npos);  // it would find links
  for (const std::string& text : texts()) {
    const std::string shown = xml(trimmed(text));
    EXPECT_EQ(html(markdown_line(text)), shown.empty() ? "" : "<p>" + shown + "</p>\n");
    EXPECT_EQ(
        html("- **a** " + markdown(trimmed(text))),
        "<ul>\n<li><strong>a</strong>" + (shown.empty() ? "" : " " + shown) + "</li>\n</ul>\n");
  }
}

TEST_F(RenderedMarkdown, TextsShowAsThemselvesInACell) {
  for (const std::string& text : texts()) {
    const std::string page = html(markdown_table({"h", "h"}, {{text, "b"}}, "lr"));
    EXPECT_NE(page.find("<td>" + xml(trimmed(text)) + "</td>\n<td align=\"right\">b</td>"),
              std::string::npos)
        << page;
  }
}

}  // namespace
}  // namespace vidattn
