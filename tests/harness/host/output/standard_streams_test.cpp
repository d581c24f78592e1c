#include "harness/host/output/standard_streams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::read_bytes;
using testing::TemporaryFolder;

const std::string kRun = " run --quiet --repeat 1 --grid 2,4,4 --heads 1 --dim 16 --backend full";
const std::string kFilm = " film --frames 4 --width 64 --height 48";

std::string tool() { return VIDATTN_TOOL; }

size_t files_in(const TemporaryFolder& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

TEST(StandardStreams, WhatCannotBePrintedIsToldAfterAllIsWritten) {
  const TemporaryFolder folder;
  const std::string out = (folder / "r.json").string(), db = (folder / "v.db").string();
  const ToolResult result =
      run_shell(tool() + kRun + " --out " + out + " --db " + db + " >/dev/full");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "vidattn: cannot print: No space left on device\n");
  EXPECT_EQ(nlohmann::json::parse(read_bytes(out))["cases"][0]["outcome"], "passed");
  EXPECT_EQ(run_tool("export latest --db " + db + " --out " + out).exit_code, 0);
}

TEST(StandardStreams, EveryCommandTellsThatItCannotPrint) {
  for (const char* line : {"list", "env", "--help", "run --help", "--version", "table 11"}) {
    const ToolResult result = run_shell(tool() + " " + line + " >/dev/full");
    EXPECT_EQ(result.exit_code, 3) << line;
    EXPECT_EQ(result.err, "vidattn: cannot print: No space left on device\n") << line;
  }
}

/// As `| head` does. The reader is gone before the first line comes.
TEST(StandardStreams, AReaderThatWentAwayIsNoError) {
  const TemporaryFolder folder;
  const std::string out = (folder / "r.json").string();
  for (const std::string& line : {kRun + " --out " + out, std::string(" list")}) {
    const ToolResult result =
        run_shell("{ sleep 0.3; " + tool() + line + "; echo $? >&2; } | true");
    EXPECT_EQ(result.err, "141\n") << line;
  }
  EXPECT_FALSE(nlohmann::json::parse(read_bytes(out))["cases"].empty());
}

TEST(StandardStreams, ProgressThatCannotBeShownIsNoError) {
  const TemporaryFolder folder;
  const std::string out = (folder / "f.avi").string();
  EXPECT_EQ(run_shell("(" + tool() + kFilm + " --out " + out + " 2>/dev/full)").exit_code, 0);
  EXPECT_GT(read_bytes(out).size(), 1000U);
}

/// A video that is made gets the lowest free descriptor, and progress would be printed into it.
TEST(StandardStreams, ClosedOnesDoNotGetIntoFiles) {
  const TemporaryFolder folder;
  const std::string open = (folder / "open.mp4").string(), shut = (folder / "shut.mp4").string();
  ASSERT_EQ(run_tool(kFilm + " --out " + open).exit_code, 0);
  for (const char* closed : {"2>&-", ">&-", "<&-", "<&- >&- 2>&-"}) {
    EXPECT_EQ(run_shell("(" + tool() + kFilm + " --out " + shut + " " + closed + ")").exit_code, 0)
        << closed;
    EXPECT_EQ(read_bytes(shut), read_bytes(open)) << closed;
  }
}

TEST(StandardStreams, ATableThatNobodyCanSeeIsAnErrorAfterAllIsWritten) {
  const TemporaryFolder folder;
  const std::string out = (folder / "r.json").string();
  const ToolResult result = run_shell("(" + tool() + kRun + " --out " + out + " >&-)");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("cannot print"), std::string::npos) << result.err;
  EXPECT_GT(read_bytes(out).size(), 1000U);
}

TEST(StandardStreams, NoFileIsWrittenWhereTextIsPrinted) {
  const TemporaryFolder folder;
  const std::string text = (folder / "text").string();
  for (const std::string& out : {text, std::string("/dev/stdout"), std::string("/dev/fd/1")}) {
    const ToolResult result = run_shell(tool() + kRun + " --out " + out + " >" + text);
    EXPECT_EQ(result.exit_code, 3) << out;
    EXPECT_NE(result.err.find("stdout or stderr goes there"), std::string::npos) << result.err;
    EXPECT_EQ(read_bytes(text), "") << out;
  }
  for (const char* out : {"-", "/dev/stdout", "/dev/null"})  // stdout is a pipe here
    expect_refused(kRun + " --out " + out, "cannot write");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(StandardStreams, EmptyValuesAreRefused) {
  for (const char* line :
       {"run --out ''", "run --db ''", "film --out ''", "report x.json --out ''",
        "report x.json --out x.html --figures ''", "restore --folder ''", "check --markdown '' x",
        "conform tests --write ''", "runs --db ''", "export 1 --out ''", "import x --db ''",
        "run --density ''", "run --grid ''", "run --steps=", "run --columns ''", "run ''",
        "sweep --heads ''", "metrics film --shots ''", "generate --density ''"})
    expect_refused(line, "an empty value");
}

}  // namespace
}  // namespace vidattn
