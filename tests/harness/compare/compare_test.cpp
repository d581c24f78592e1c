#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kSmall = " --quiet --grid 3,6,8 --heads 1 --dim 32 ";

class Compare : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("vidattn_compare_test_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  json load(const std::string& name) const {
    std::ifstream stream(path(name));
    return json::parse(stream);
  }

  fs::path folder_;
};

TEST_F(Compare, LabelsHaveFourDigitsAndTheRecordAll) {
  const std::string setting = "vmoba:threshold=0.12345678901234567";
  const std::string run = "run --repeat 7 --backend full --backend " + setting + kSmall + "--out ";
  for (const char* name : {"a.json", "b.json"}) {
    const ToolResult made = run_tool(run + path(name));
    ASSERT_TRUE(ran_right(made)) << made.err;
  }
  const ToolResult stored =
      run_tool("compare " + path("a.json") + " " + path("b.json") + " --out " + path("c.json"));
  EXPECT_NE(stored.out.find("vmoba:threshold=0.1235 cpu f32 "), std::string::npos) << stored.out;
  const ToolResult direct = run_tool("compare --time 0.2 full " + setting + kSmall);
  EXPECT_NE(direct.out.find("B: vmoba:threshold=0.1235\n"), std::string::npos) << direct.out;
  for (const ToolResult& result : {stored, direct})
    EXPECT_EQ(result.out.find("0.12345678"), std::string::npos) << result.out;
  EXPECT_EQ(load("c.json")["cases"].back()["a"]["setting"],
            load("a.json")["cases"].back()["setting"]);
  EXPECT_NE(load("c.json")["cases"].back()["case"].get<std::string>().find("0.12345678901234"),
            std::string::npos);
}

TEST_F(Compare, TwoBackendsAreMeasuredAndEverythingIsRecorded) {
  // Large enough that the difference shows on an overloaded machine as well.
  const ToolResult result = run_tool(
      "compare full frame --quiet --grid 16,16,20 --heads 1 --dim 64 --time 0.5 --dtype f32 "
      "--dtype bf16 --out " +
      path("c.json"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json record = load("c.json");
  ASSERT_EQ(record["cases"].size(), 2U);
  for (const json& c : record["cases"]) {
    EXPECT_EQ(c["verdict"], "faster");
    EXPECT_LT(c["ratio"], 0.8);
    EXPECT_LE(c["low"], c["ratio"]);
    EXPECT_GE(c["high"], c["ratio"]);
    EXPECT_GE(c["blocks"], 10);
    EXPECT_EQ(c["log_ratios"].size(), c["blocks"]);
    EXPECT_NEAR(c["log_ratios"][0].get<double>(),
                std::log(c["b_seconds"][0].get<double>() / c["a_seconds"][0].get<double>()), 1e-12);
    EXPECT_EQ(c["a"]["metrics"]["density"]["value"], 1);
    EXPECT_NEAR(c["b"]["metrics"]["density"]["value"], 0.0625, 1e-12);
  }
  const double product =
      record["cases"][0]["ratio"].get<double>() * record["cases"][1]["ratio"].get<double>();
  EXPECT_NEAR(record["geometric_mean"]["ratio"], std::sqrt(product), 1e-9);
  EXPECT_NE(result.out.find("geometric mean"), std::string::npos);
  // The other way round it is a slowdown, which scripts see.
  EXPECT_EQ(run_tool("compare frame full --quiet --grid 16,16,20 --heads 1 --dim 64 --time 0.5")
                .exit_code,
            1);
}

TEST_F(Compare, ColumnsThatNoCaseHasAreNamed) {
  const ToolResult result = run_tool(
      "compare sta stga --quiet --grid 4,6,8 --heads 1 --dim 16 --time 0.1 --columns "
      "density_target,density");
  EXPECT_NE(result.out.find("no case has density_target; --all-columns shows"), std::string::npos)
      << result.out << result.err;
  EXPECT_NE(result.out.find("  density  "), std::string::npos) << result.out;
}

TEST_F(Compare, ACaseThatCannotRunIsNotCompared) {
  const ToolResult result = run_tool(
      "compare full vsa:num_tiles=9,9,9 --quiet --time 0.2 --dim 32 --heads 1 --grid 2,2,2");
  EXPECT_EQ(result.exit_code, 2) << result.out;
  EXPECT_NE(result.out.find("not compared"), std::string::npos);
}

/// A run's record as on a machine where nothing else runs.
json undisturbed(json record) {
  record["preflight"] = json::array();
  for (json& c : record["cases"]) c["details"]["timing"]["cpus_of_others"] = 0;
  return record;
}

TEST_F(Compare, StoredRunsAreComparedCaseByCase) {
  ASSERT_EQ(run_tool("run --repeat 8 --backend full --backend stga:hs=1 --backend frame" + kSmall +
                     "--out " + path("a.json"))
                .exit_code,
            0);
  // A run in which stga took twice as long, and another method was left out.
  const json quick = undisturbed(load("a.json"));
  json slow = quick;
  for (json& block : slow["cases"][1]["blocks"])
    for (const char* part : {"plan_seconds", "run_seconds"})
      block[part] = 2 * block[part].get<double>();
  slow["cases"].erase(2);
  std::ofstream(path("a.json")) << quick.dump();
  std::ofstream(path("b.json")) << slow.dump();
  const ToolResult result =
      run_tool("compare " + path("a.json") + " " + path("b.json") + " --out " + path("c.json"));
  const json record = load("c.json");
  ASSERT_EQ(record["cases"].size(), 2U) << result.out;
  EXPECT_NEAR(record["cases"][1]["ratio"], 2, 1e-9);
  EXPECT_NE(result.out.find("only in A: frame"), std::string::npos);
  EXPECT_EQ(record["cases"][0]["blocks"], 8);
}

TEST_F(Compare, OtherInputsAreNotCompared) {
  ASSERT_EQ(
      run_tool("run --repeat 6 --backend full" + kSmall + "--out " + path("a.json")).exit_code, 0);
  ASSERT_EQ(run_tool("run --repeat 6 --backend full --seed 2" + kSmall + "--out " + path("b.json"))
                .exit_code,
            0);
  const ToolResult result = run_tool("compare " + path("a.json") + " " + path("b.json"));
  EXPECT_EQ(result.exit_code, 2) << result.out;
  EXPECT_NE(result.out.find("other q, k or v"), std::string::npos);
}

class ComparePrograms : public Compare {};

TEST_F(ComparePrograms, RunOnTheSameBytesSlow) {
  const std::string tool = VIDATTN_TOOL;
  const ToolResult result = run_tool("compare stga:hs=1 --time 0.1 --binary A=" + tool +
                                     " --binary B=" + tool + kSmall + "--out " + path("c.json"));
  ASSERT_NE(result.exit_code, 3) << result.err;
  const json record = load("c.json");
  ASSERT_EQ(record["cases"].size(), 1U);
  for (const json& c : record["cases"]) {
    EXPECT_FALSE(c.contains("problem")) << c["problem"];
    EXPECT_EQ(c["blocks"], 10);
    EXPECT_EQ(c["a"]["metrics"]["relative_l2"], c["b"]["metrics"]["relative_l2"]);
  }
}

TEST_F(ComparePrograms, OneThatFailsTakesNoBlocksWithItSlow) {
  std::ofstream(path("b.sh")) << "#!/bin/sh\necho x >>" << path("runs") << "\n[ $(wc -l <"
                              << path("runs")
                              << ") -le 9 ] || exit 9\nexec " VIDATTN_TOOL " \"$@\"\n";
  fs::permissions(path("b.sh"), fs::perms::owner_all);
  const ToolResult result = run_tool(
      "compare full --quiet --time 0.1 --binary A=" VIDATTN_TOOL " --binary B=" + path("b.sh") +
      kSmall + "--out " + path("c.json"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("what was measured until then was judged"), std::string::npos)
      << result.err;
  EXPECT_GE(load("c.json")["cases"][0]["blocks"], 1);
}

TEST_F(ComparePrograms, OneThatIsNotVidattnIsRefused) {
  const ToolResult result = run_tool("compare full --quiet --binary A=" VIDATTN_TOOL +
                                     std::string(" --binary B=/bin/true") + kSmall);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("/bin/true wrote no results"), std::string::npos) << result.err;
}

TEST_F(Compare, SelftestJudgesBothParts) {
  const ToolResult result = run_tool("selftest --aa 2 --tries 1 --inject 300% --time 0.3 " +
                                     std::string("--inject-time 0.3 --backend full") + kSmall);
  EXPECT_EQ(result.exit_code, 3);  // a share is at most 1
  const ToolResult found = run_tool(
      "selftest --aa 2 --tries 1 --inject 100% --time 0.3 --inject-time 0.5 --backend full" +
      kSmall + "--out " + path("s.json"));
  const json record = load("s.json");
  EXPECT_EQ(record["same"]["comparisons"], 2);
  EXPECT_EQ(record["slowed"]["slower"], 1) << found.out;
  EXPECT_NEAR(record["slowed"]["trials"][0]["ratio"], 2, 0.2);
}

TEST_F(Compare, BadInputGivesOneLineAndExitCodeThree) {
  std::ofstream(path("other.json")) << "{\"cases\": 3}";
  const std::string small = " --grid 2,4,4 --heads 1 --dim 16";
  const std::string bad[] = {
      "compare full",
      "compare full moga stga",
      "compare full nonsense",
      "compare full " + path("other.json"),
      "compare " + path("other.json") + " " + path("other.json"),
      "compare " + path("missing.json") + " " + path("missing.json"),
      "compare run:1 run:2 --db " + path("missing.db"),
      "compare full moga --margin 1%%",
      "compare full moga --margin -1%",
      "compare full moga --time 0",
      "compare full moga --device gpu",
      "compare full moga --out /nonexistent/x.json",
      "compare full --binary A=/bin/true",
      "compare full --binary A=/bin/true --binary C=/bin/true",
      "compare full --quiet --binary A=/nonexistent/a --binary B=/bin/true",
      "compare full --quiet" + small + " --binary A=/bin/false --binary B=/bin/true",
      "selftest --aa -1",
      "selftest --backend nonsense",
  };
  for (const std::string& arguments : bad) expect_refused(arguments);
}

}  // namespace
}  // namespace vidattn
