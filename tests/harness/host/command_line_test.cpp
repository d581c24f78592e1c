#include "harness/host/command_line.h"

#include "harness/io/one_line.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

TEST(ShellLine, IsOneLineThatTheShellReadsBack) {
  const std::vector<std::string> words = {
      "plain", "", "two words", "it's", "$HOME `x` \\ \"", "a\nb\t'\\\x1b", "grün\n"};
  const std::string line = shell_line(words);
  EXPECT_TRUE(is_one_line(line)) << line;
  std::string expected;
  for (const std::string& word : words) expected += word + "|";
  const ToolResult read = run_shell("bash -c " + shell_line({"printf '%s|' " + line}));
  EXPECT_EQ(read.out, expected) << read.err;
}

}  // namespace
}  // namespace vidattn
