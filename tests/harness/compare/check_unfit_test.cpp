// Times that are no ground for a verdict: of a run or of a baseline, and what is accepted by force.
#include "harness/compare/check.h"
#include "harness/compare/check_report.h"
#include "harness/store/store.h"
#include "tests/harness/compare/findings.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::finding;
using testing::key_of;
using testing::run_of_two;
using State = Finding::State;

StoredRun slower_run() {
  StoredRun run = run_of_two();
  for (const char* tag : {"ratio", "ratio_low", "ratio_high"})
    run.cases[0].values[tag].value *= 1.2;
  return run;
}

TEST(CheckUnfit, AnUnfitMachineCannotShowARegressionOfTime) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = slower_run();
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression);
  run.preflight = {{"throttling", PreflightCheck::State::warn, "a little"}};
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression)
      << "a warning costs time only";
  run.preflight = {{"throttling", PreflightCheck::State::invalid, "best speed changed by -40%"}};
  const CheckReport report = judge_run(baseline, run);
  EXPECT_EQ(report.exit_code(), ExitCode::invalid);
  EXPECT_NE(finding(report, 0, "ratio").message.find("best speed changed by -40%"),
            std::string::npos);
  EXPECT_NE(check_text(report).find("no verdict on the times of 2 of them"), std::string::npos)
      << check_text(report);
  run.cases[0].values["pairs"].value += 1;
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression)
      << "figures do not hang on it";
}

TEST(CheckUnfit, AWideBaselineCannotShowARegressionOfTime) {
  const testing::TemporaryFolder folder;
  StoredRun before = run_of_two();
  before.cases[0].values["ratio_low"].value = 0.33;
  before.cases[0].values["ratio_high"].value = 0.634;
  write_baseline(folder / "b.json", make_baseline(before, "first", nullptr));
  const Baseline baseline = read_baseline(folder / "b.json");
  const CheckReport report = judge_run(baseline, slower_run());
  EXPECT_EQ(report.exit_code(), ExitCode::invalid);
  EXPECT_NE(finding(report, 0, "ratio").message.find("0.33 to 0.634"), std::string::npos);
  EXPECT_EQ(judge_run(baseline, run_of_two()).exit_code(), ExitCode::fine);
  StoredRun faster = run_of_two();
  for (const char* tag : {"ratio", "ratio_low", "ratio_high"})
    faster.cases[0].values[tag].value *= 0.5;
  EXPECT_EQ(finding(judge_run(baseline, faster), 0, "ratio").state, State::note);
}

/// The baseline of a run after a file, which keeps why it had to be forced.
Baseline kept(const StoredRun& run) {
  const testing::TemporaryFolder folder;
  write_baseline(folder / "b.json", make_baseline(run, "forced", nullptr));
  return read_baseline(folder / "b.json");
}

TEST(CheckUnfit, AForcedBaselineGivesNoVerdictOnTimesAndSaysWhy) {
  StoredRun before = run_of_two();
  before.preflight = {{"steal", PreflightCheck::State::invalid, "30% of the time"}};
  const Baseline baseline = kept(before);
  const std::string why =
      "were accepted by force: the look before the run found steal invalid: 30%";
  const CheckReport slower = judge_run(baseline, slower_run());
  EXPECT_EQ(slower.exit_code(), ExitCode::invalid);
  EXPECT_EQ(finding(slower, 0, "ratio").state, State::invalid);
  StoredRun faster = run_of_two();
  for (const char* tag : {"ratio", "ratio_low", "ratio_high"})
    faster.cases[0].values[tag].value *= 0.5;
  for (const StoredRun& run : {run_of_two(), faster}) {
    const CheckReport report = judge_run(baseline, run);
    EXPECT_EQ(finding(report, 0, "ratio").state, State::note);
    EXPECT_EQ(finding(report, 0, "pairs").state, State::ok);
    EXPECT_EQ(report.exit_code(), ExitCode::fine);
    for (const std::string& text : {finding(report, 0, "ratio").message, check_text(report),
                                    check_markdown(report), check_junit(report)})
      EXPECT_NE(text.find(why), std::string::npos) << text;
    EXPECT_EQ(check_json(report)["baseline_forced"].size(), 1U);
  }
  EXPECT_TRUE(unfit_times(make_baseline(run_of_two(), "quiet again", &baseline)).empty());
}

TEST(CheckUnfit, ACaseThatWasForcedGivesNoVerdictOnItsOwnTimes) {
  StoredRun before = run_of_two(), slower = slower_run();
  before.cases[0].process.threads = 2;
  before.cases[0].timing->cpus_of_others = 1;
  const Baseline baseline = kept(before);
  EXPECT_EQ(finding(judge_run(baseline, slower), 0, "ratio").state, State::invalid);
  std::swap(slower.cases[0].values, slower.cases[1].values);
  const CheckReport report = judge_run(baseline, slower);
  EXPECT_EQ(finding(report, 1, "ratio").state, State::worse) << "it was timed alone";
  EXPECT_NE(check_text(report).find("by force: " + key_of("one") + ": other programs held 1.0"),
            std::string::npos)
      << check_text(report);
}

TEST(CheckUnfit, WhatIsTooUncertainIsAcceptedByForceOnly) {
  EXPECT_TRUE(unfit_times(make_baseline(run_of_two(), "first", nullptr)).empty());
  const testing::TemporaryFolder folder;
  StoredRun unfit = run_of_two(), wide = run_of_two();
  unfit.preflight = {{"steal", PreflightCheck::State::invalid, "30% of the time"}};
  wide.cases[1].values["fed_ratio_low"].value = 1;
  const std::string baseline = folder / "b.json", db = folder / "v.db";
  Store store(db, Store::Mode::write);
  for (StoredRun* run : {&unfit, &wide}) {
    run->finished = run->started;
    const std::string accept = "check --run " + std::to_string(store.add_run(*run).value()) +
                               " --db " + db + " --baseline " + baseline + " --accept why";
    const ToolResult refused = run_tool(accept);
    EXPECT_EQ(refused.exit_code, 2) << refused.out << refused.err;
    EXPECT_NE(refused.out.find("too uncertain to accept"), std::string::npos) << refused.out;
    EXPECT_FALSE(std::filesystem::exists(baseline));
    EXPECT_EQ(run_tool(accept + " --force").exit_code, 0);
    EXPECT_TRUE(std::filesystem::remove(baseline));
  }
}

TEST(CheckUnfit, BesideOtherProgramsMultiplyAddsAreNotJudged) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = run_of_two();
  Measurement& c = run.cases[0];
  for (const char* tag : {"fed_ratio", "fed_ratio_low", "fed_ratio_high"})
    c.values[tag].value *= 1.1;
  c.process.threads = 2;
  for (const double share : {0.1, 0.5}) {
    c.timing->cpus_of_others = share * 2;
    EXPECT_EQ(finding(judge_run(baseline, run), 0, "fed_ratio").state,
              share < 0.25 ? State::worse : State::note);
  }
}

TEST(CheckUnfit, BesideOtherProgramsNothingIsSlower) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = run_of_two();
  Measurement& c = run.cases[0];
  c.process.threads = 2;
  c.timing->cpus_of_others = 1;
  EXPECT_EQ(finding(judge_run(baseline, run), 0, "ratio").state, State::ok);
  EXPECT_EQ(unfit_times(make_baseline(run, "again", nullptr)).size(), 1U) << "nor is it a baseline";
  for (const char* tag : {"ratio", "ratio_low", "ratio_high"}) c.values[tag].value *= 1.4;
  const CheckReport report = judge_run(baseline, run);
  EXPECT_EQ(finding(report, 0, "ratio").state, State::invalid);
  EXPECT_NE(finding(report, 0, "ratio").message.find("other programs held 1.0 cores"),
            std::string::npos);
  EXPECT_EQ(report.exit_code(), ExitCode::invalid);
  StoredRun faster = run;
  for (const char* tag : {"ratio", "ratio_low", "ratio_high"})
    faster.cases[0].values[tag].value *= 0.4;
  const Finding found = finding(judge_run(baseline, faster), 0, "ratio");
  EXPECT_EQ(found.state, State::note) << "nor is it faster";
  EXPECT_NE(found.message.find("not judged: other programs held 1.0 cores"), std::string::npos);
  c.timing->cpus_of_others = 0.4;
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression);
  EXPECT_TRUE(unfit_times(make_baseline(run, "again", nullptr)).empty());
}

}  // namespace
}  // namespace vidattn
