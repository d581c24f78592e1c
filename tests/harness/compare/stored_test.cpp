// Stored runs whose times are no ground for a verdict.
#include "tests/harness/stored.h"

#include <gtest/gtest.h>

#include "harness/compare/compare.h"
#include "harness/io/json_file.h"
#include "harness/store/export.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::run_of_two;

class CompareStored : public ::testing::Test {
 protected:
  std::string stored(const StoredRun& run, const char* name) const {
    write_json(folder_ / name, export_runs({run}));
    return (folder_ / name).string();
  }
  std::vector<ComparedCase> compared(const StoredRun& a, const StoredRun& b) const {
    CompareOptions options;
    options.sides = {stored(a, "a.json"), stored(b, "b.json")};
    return compare_stored_runs(options).cases;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(CompareStored, AnInvalidLookBeforeARunLeavesItsTimesWithoutVerdict) {
  StoredRun run = run_of_two();
  run.preflight = {{"throttling", PreflightCheck::State::warn, "a little"}};
  for (const ComparedCase& c : compared(run_of_two(), run)) EXPECT_EQ(c.problem, "");
  run.preflight = {{"throttling", PreflightCheck::State::invalid, "slower by 40%"}};
  for (const ComparedCase& c : compared(run_of_two(), run)) {
    EXPECT_NE(c.problem.find("no verdict on its times: "), std::string::npos) << c.problem;
    EXPECT_NE(c.problem.find("b.json: the look before the run found throttling invalid: slower by"),
              std::string::npos)
        << c.problem;
    EXPECT_TRUE(c.log_ratios.empty());
  }
  const ToolResult shown = run_tool("compare " + stored(run, "a.json") + " " +
                                    stored(run_of_two(), "b.json") + " --columns density");
  EXPECT_EQ(shown.exit_code, 2) << shown.out << shown.err;
  for (const char* part : {"  density  ", "  0.25  ", "a.json: the look before the run"})
    EXPECT_NE(shown.out.find(part), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find("p Holm  "), std::string::npos) << shown.out;
}

TEST_F(CompareStored, WhereNoTimesAreComparedOnlyThatIsSaid) {
  StoredRun one = run_of_two(), other = run_of_two();
  one.preflight = {{"throttling", PreflightCheck::State::invalid, "slower by 40%"}};
  other.preflight = {{"load", PreflightCheck::State::invalid, "3 on 2 cores"}};
  for (Measurement& c : other.cases) c.blocks.pop_back();
  const ToolResult shown =
      run_tool("compare " + stored(one, "a.json") + " " + stored(other, "b.json"));
  EXPECT_EQ(shown.exit_code, 2) << shown.out << shown.err;
  for (const char* part : {"a.json: the look before the run found throttling invalid", "; ",
                           "b.json: the look before the run found load invalid"})
    EXPECT_NE(shown.out.find(part), std::string::npos) << shown.out;
  const std::string refused = "not compared: ";
  EXPECT_NE(shown.out.find(refused), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find(refused), shown.out.rfind(refused)) << "once for both\n" << shown.out;
  for (const char* part : {"have no partner", "Wilcoxon"})
    EXPECT_EQ(shown.out.find(part), std::string::npos) << shown.out;
}

TEST_F(CompareStored, CoresThatWereTakenLeaveOneCaseWithoutVerdict) {
  StoredRun run = run_of_two();
  run.cases[1].timing->cpus_of_others = 1;
  const std::vector<ComparedCase> cases = compared(run, run_of_two());
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].problem, "");
  EXPECT_NE(cases[1].problem.find("a.json: other programs held 1.0 cores"), std::string::npos)
      << cases[1].problem;
}

/// Full attention stands against the peak alone, so that another one makes it faster or slower.
TEST_F(CompareStored, FullAttentionUnderAnotherPeakHasNoVerdict) {
  StoredRun run = run_of_two(), other = run_of_two();
  for (StoredRun* each : {&run, &other}) {
    each->cases[0].setting = each->cases[0].identity.backend = "full";
    for (Measurement& c : each->cases)
      for (Block& block : c.blocks) block.peak_flops = 100e9;
  }
  for (Measurement& c : other.cases)
    for (Block& block : c.blocks) block.peak_flops = 97e9;
  for (const ComparedCase& c : compared(run, other)) EXPECT_EQ(c.problem, "");
  for (Measurement& c : other.cases)
    for (Block& block : c.blocks) block.peak_flops = 50e9;
  const std::vector<ComparedCase> cases = compared(run, other);
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_NE(cases[0].problem.find("was 100 GFLOP/s in"), std::string::npos) << cases[0].problem;
  EXPECT_EQ(cases[1].problem, "") << "a method stands against full attention";
}

TEST_F(CompareStored, RefusesOptionsOfMeasuring) {
  const std::string sides =
      "compare " + stored(run_of_two(), "a.json") + " " + stored(run_of_two(), "b.json");
  for (const char* option : {"--density 0.25", "--workload film", "--time 1", "--dtype bf16"})
    expect_refused(sides + " " + option, "has no effect on stored runs");
}

}  // namespace
}  // namespace vidattn
