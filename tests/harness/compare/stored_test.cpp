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

}  // namespace
}  // namespace vidattn
