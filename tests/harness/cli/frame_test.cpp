#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "build_info.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

using testing::grey;
using testing::TemporaryFolder;
using testing::write_frames;

TEST(Frame, VersionIsTheProjects) {
  const ToolResult result = run_tool("--version");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "vidattn " VIDATTN_VERSION "\n");
}

TEST(Frame, HelpNamesTheMainJobFirst) {
  const ToolResult result = run_tool("--help");
  EXPECT_EQ(result.exit_code, 0);
  const size_t commands = result.out.find("Subcommands:\n  run ");
  ASSERT_NE(commands, std::string::npos) << result.out;
  EXPECT_LT(result.out.find("  attend "), result.out.find("  report "));
}

TEST(Frame, HelpOfACommandHasItsOwnExitCodes) {
  for (const auto& [command, part] : std::vector<std::pair<std::string, std::string>>{
           {"compare", "1 B is slower in a case"},
           {"check", "1 a case is worse than the baseline or changed"},
           {"run", "2 a case is mistrusted"},
           {"selftest", "2 inconclusive"},
           {"case", "1 a case neither"},
           {"conform", "1 a vector failed"},
           {"bench", "1 a kernel failed"},
           {"quality", "1 a method failed its check"},
           {"restore", "1 a method failed its check"},
           {"generate", "1 a method failed its check"}}) {
    const ToolResult result = run_tool("help " + command);
    EXPECT_EQ(result.exit_code, 0) << command;
    EXPECT_NE(result.out.find("Exit code: 0 fine; "), std::string::npos) << result.out;
    EXPECT_NE(result.out.find(part), std::string::npos) << result.out;
  }
}

TEST(Frame, HelpOfCommandsOnRanksHasTheCodeOfALostOne) {
  for (const std::string command : {"run", "attend", "bench", "generate"}) {
    const ToolResult result = run_tool("help " + command);
    EXPECT_NE(result.out.find("of ranks 2 one was lost or failed, in a suite 1; 3 "),
              std::string::npos)
        << result.out;
  }
}

TEST(Frame, WhatIsMisspeltIsAnsweredWithTheNearestRightWord) {
  for (const auto& [line, part] : std::vector<std::pair<std::string, std::string>>{
           {"quickstart",
            "no command 'quickstart': it is a script of the checkout, harness/quickstart.sh"},
           {"rnu", "no command 'rnu'; did you mean run?"},
           {"metrcs film", "did you mean metrics?"},
           {"run --bakend moga", "no option '--bakend' of vidattn run; did you mean --backend?"},
           {"run --backend mgoa", "; did you mean moga?"},
           {"run --backend moga:num_group=3", "; did you mean num_groups?"}}) {
    const ToolResult result = run_tool(line);
    EXPECT_EQ(result.exit_code, 3) << line;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  }
}

/// Each of these would work for minutes.
TEST(Frame, FilesThatCannotBeWrittenAreRefusedBeforeAnyWork) {
  for (const char* line :
       {"run", "sweep", "bench", "compare full moga", "selftest", "quality", "restore",
        "metrics film", "shots film", "videodiff film film:2", "table 11 --measure"}) {
    const ToolResult result = run_tool(std::string(line) + " --out /nonexistent/x.json");
    EXPECT_EQ(result.exit_code, 3) << line;
    EXPECT_EQ(result.err,
              "vidattn: cannot write \"/nonexistent/x.json\": No such file or directory\n");
    EXPECT_EQ(result.out, "") << line;
  }
}

TEST(Frame, RecordsAreNotNamedAsTablesPagesOrPictures) {
  for (const char* line : {"run", "compare full moga", "quality", "restore"})
    for (const char* ending : {".tex", ".md", ".csv", ".html"})
      expect_refused(std::string(line) + " --out x" + ending,
                     "--out \"x" + std::string(ending) + "\" would hold JSON: end it in .json");
}

TEST(Frame, ASmallStackIsRaisedOrRefused) {
  // Though there is nothing else to restart for: OpenMP's threads are there with small stacks.
  const std::string run = VIDATTN_TOOL
      " run --quiet --repeat 1 --backend full --backend frame --grid 2,4,4 "
      "--heads 1 --dim 16";
  EXPECT_EQ(run_shell("ulimit -S -s 64; " + run).exit_code, 0);
  const ToolResult refused = run_shell("ulimit -s 64; " + run);
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.err,
            "vidattn: out of memory: the stack may grow to 64 KiB (ulimit -s), 1024 are needed\n");
}

TEST(Frame, RecordsBeginWithTheSameHeader) {
  const TemporaryFolder folder;
  const std::string video = write_frames(folder / "video", std::vector<cv::Mat>(4, grey(100)));
  const std::string out = (folder / "r.json").string();
  for (const auto& [line, version] : std::vector<std::pair<std::string, std::string>>{
           {"shots " + video, "1.4"}, {"videodiff " + video + " " + video, "1.3"}}) {
    const ToolResult result = run_tool(line + " --quiet --out " + out);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto record = nlohmann::json::parse(testing::read_bytes(out));
    const std::string command = line.substr(0, line.find(' '));
    EXPECT_EQ(record["schema_version"], version);
    EXPECT_EQ(record["tool"], "vidattn " + command);
    EXPECT_EQ(record["arguments"][1], command);
    EXPECT_TRUE(record["environment"].contains("machine"));
  }
}

}  // namespace
}  // namespace vidattn
