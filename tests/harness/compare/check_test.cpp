#include "harness/compare/check.h"

#include "harness/compare/check_report.h"
#include "harness/io/json_file.h"
#include "harness/measure/request.h"
#include "harness/store/store.h"
#include "harness/suites/suite.h"
#include "tests/harness/altered.h"
#include "tests/harness/compare/findings.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::finding;
using testing::key_of;
using testing::run_of_two;
using testing::stored_case;
using State = Finding::State;

TEST(Check, AnUnchangedRunIsFine) {
  const CheckReport report = judge_run(make_baseline(run_of_two(), "first", nullptr), run_of_two());
  EXPECT_EQ(report.exit_code(), ExitCode::fine);
  for (const CheckedCase& c : report.cases) EXPECT_EQ(c.worst(), State::ok) << check_text(report);
}

StoredRun run_with_recall() {
  StoredRun run = run_of_two();
  for (Measurement& c : run.cases) c.values["recall_mean"] = {"1", 0.8};
  return run;
}

TEST(Check, EveryDeterministicFigureCountsByItsDirection) {
  const Baseline baseline = make_baseline(run_with_recall(), "first", nullptr);
  for (const char* tag : {"pairs", "density", "attention_flops", "relative_l2", "recall_mean"})
    for (double factor : {1.001, 0.999}) {
      StoredRun run = run_with_recall();
      run.cases[1].values[tag].value *= factor;
      const CheckReport report = judge_run(baseline, run);
      const bool better = (factor > 1) == (std::string(tag) == "recall_mean");
      EXPECT_EQ(report.exit_code(), better ? ExitCode::fine : ExitCode::regression) << tag;
      EXPECT_EQ(finding(report, 1, tag).state, better ? State::better : State::worse);
      EXPECT_EQ(report.cases[0].worst(), State::ok);
    }
}

TEST(Check, AFigureThatIsNoLongerKnownIsWorse) {
  StoredRun run = run_with_recall();
  run.cases[0].values["recall_mean"].value = run.cases[1].values["relative_l2"].value = NAN;
  const CheckReport report = judge_run(make_baseline(run_with_recall(), "first", nullptr), run);
  for (const CheckedCase& c : report.cases) EXPECT_EQ(c.worst(), State::worse) << c.key;
}

TEST(Check, AnotherPlanIsAChangeThatSomebodyMustAccept) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = run_of_two();
  run.cases[0].plan.checksum = "other";
  for (const double density : {0.25, 0.2}) {
    run.cases[0].values["density"].value = density;
    const CheckReport report = judge_run(baseline, run);
    EXPECT_EQ(finding(report, 0, "checksum").state, State::changed);
    EXPECT_EQ(report.cases[0].worst(), State::changed);
    EXPECT_EQ(report.exit_code(), ExitCode::regression);
  }
}

TEST(Check, OnAnotherPlatformPlansAreNotHeldToTheBit) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = run_of_two();
  run.environment["software"]["simd"] = "AVX2";
  run.cases[0].plan.checksum = "other";
  run.cases[0].values["pairs"].value *= 1.01;
  const CheckReport report = judge_run(baseline, run);
  EXPECT_EQ(report.exit_code(), ExitCode::fine);
  EXPECT_EQ(report.cases[0].worst(), State::note);
  run.cases[0].values["pairs"].value *= 1.05;
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression);
}

TEST(Check, WhatTheBaselineLacksIsSaid) {
  Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  baseline.cases.at(key_of("one")).figures.erase("pairs");
  baseline.cases.at(key_of("one")).ratio = NAN;
  const CheckReport report = judge_run(baseline, run_of_two());
  EXPECT_EQ(report.exit_code(), ExitCode::fine);
  EXPECT_EQ(finding(report, 0, "pairs").state, State::note);
  EXPECT_EQ(finding(report, 0, "ratio").state, State::note);
}

TEST(Check, ADumpThatHasMovedIsTheSameCase) {
  const testing::TemporaryFolder folder;
  StoredRun run = run_of_two();
  run.cases[0].identity.workload = "tensors:/old --grid 3,4,5";
  write_baseline(folder / "b.json", make_baseline(run, "first", nullptr));
  const Baseline baseline = read_baseline(folder / "b.json");
  run.cases[0].identity.workload = "tensors:/new --grid 3,4,5";
  const CheckReport report = judge_run(baseline, run);
  ASSERT_EQ(report.cases.size(), 2U) << check_text(report);
  EXPECT_EQ(report.exit_code(), ExitCode::fine) << check_text(report);
  run.cases[0].identity.content["q"] = "33";
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression)
      << "another dump, and the old one is missing";
}

TEST(Check, TheCommittedBaselineNamesTodaysCases) {
  const Baseline baseline = read_baseline(VIDATTN_SOURCE_DIR "/results/baselines/ci.json");
  const Suite suite = parse_suite(baseline.definition);
  ASSERT_EQ(baseline.cases.size(), suite.cases.size());
  for (const CaseRequest& request : suite.cases) {
    const Measurement m = named_case(request, request.backends.front());
    ASSERT_NE(baseline.find(m), nullptr) << m.key();
    for (const MetricInfo* metric : metrics_in(kGuarded))
      EXPECT_EQ(baseline.find(m)->second.figures.count(metric->tag), 1U) << metric->tag;
  }
}

TEST(Check, ABaselineThatJudgesNothingIsNoPass) {
  Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  baseline.cases.at(key_of("one")).figures.clear();
  EXPECT_EQ(judge_run(baseline, run_of_two()).exit_code(), ExitCode::invalid);
  baseline.cases.clear();
  EXPECT_EQ(judge_run(baseline, run_of_two()).exit_code(), ExitCode::invalid);
}

TEST(Check, AlteredBaselinesAreReadOrRefused) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "b.json").string();
  write_baseline(path, make_baseline(run_of_two(), "first", nullptr));
  const int refused =
      testing::expect_altered_read_or_refused(read_json(path), [&](const nlohmann::json& altered) {
        testing::write_bytes(path, altered.dump());
        const Baseline read = read_baseline(path);
        judge_run(read, run_of_two());
        make_baseline(run_of_two(), "second", &read);
      });
  EXPECT_GT(refused, 200);
}

TEST(Check, ARelativeTimeOfZeroIsNoBaseline) {
  const testing::TemporaryFolder folder;
  Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  baseline.cases.begin()->second.ratio = 0;
  write_baseline(folder / "b.json", baseline);
  testing::expect_input_error([&] { read_baseline(folder / "b.json"); },
                              "ratio: expected more than 0, found 0.0");
}

TEST(Check, ATimeThatWasNotMeasuredIsNotJudged) {
  StoredRun run = run_of_two();
  run.cases[0].values.erase("fed_ratio");
  const CheckReport report = judge_run(make_baseline(run_of_two(), "first", nullptr), run);
  EXPECT_EQ(report.exit_code(), ExitCode::fine);
  EXPECT_EQ(finding(report, 0, "fed_ratio").state, State::note);
}

struct Time {
  double ratio, low, high;
  State expected;
};

TEST(Check, TimeIsJudgedByItsInterval) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);  // ratio 0.5
  for (const Time& t : {Time{0.55, 0.545, 0.555, State::worse}, Time{0.52, 0.515, 0.524, State::ok},
                        Time{0.53, 0.52, 0.54, State::invalid}, Time{0.5, 0.4, 0.6, State::invalid},
                        Time{0.5, 0.49, 0.526, State::invalid}, Time{0.515, 0.5, 0.53, State::ok},
                        Time{0.4, 0.39, 0.41, State::better}}) {
    StoredRun run = run_of_two();
    run.cases[0].values["ratio"].value = t.ratio;
    run.cases[0].values["ratio_low"].value = t.low;
    run.cases[0].values["ratio_high"].value = t.high;
    EXPECT_EQ(to_string(finding(judge_run(baseline, run), 0, "ratio").state), to_string(t.expected))
        << t.ratio;
  }
}

TEST(Check, ASuiteSetsItsTolerances) {
  StoredRun before = run_of_two();
  before.definition = {{"tolerances", {{"ratio", 0.3}}}};
  const Baseline baseline = make_baseline(before, "first", nullptr);
  StoredRun run = run_of_two();
  run.cases[0].values["ratio"].value = 0.6;
  run.cases[0].values["ratio_low"].value = 0.59;
  run.cases[0].values["ratio_high"].value = 0.61;
  EXPECT_EQ(finding(judge_run(baseline, run), 0, "ratio").state, State::ok);
  run.cases[0].values["ratio"].value = 0.8;
  run.cases[0].values["ratio_low"].value = 0.79;
  run.cases[0].values["ratio_high"].value = 0.81;
  EXPECT_EQ(finding(judge_run(baseline, run), 0, "ratio").state, State::worse);
}

TEST(Check, ASlowdownThatHitsFullAttentionTooShowsBesideMultiplyAdds) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = run_of_two();
  for (const char* tag : {"fed_ratio", "fed_ratio_low", "fed_ratio_high"})
    run.cases[0].values[tag].value *= 1.1;  // and ratio stays
  const CheckReport report = judge_run(baseline, run);
  EXPECT_EQ(finding(report, 0, "fed_ratio").state, State::worse);
  EXPECT_EQ(finding(report, 0, "ratio").state, State::ok);
  EXPECT_EQ(report.exit_code(), ExitCode::regression);
}

TEST(Check, MissingMistrustedAndCrashedCases) {
  const Baseline baseline = make_baseline(run_of_two(), "first", nullptr);
  StoredRun run = run_of_two();
  run.cases[0].outcome = Outcome::mistrusted;
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::invalid);
  run.cases[0].outcome = Outcome::interrupted;
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::invalid)
      << "nobody knows what it would have been";
  run.cases[0].outcome = Outcome::crashed;
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression);
  run.cases.erase(run.cases.begin());
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::regression);
  run = run_of_two();
  run.cases.push_back(stored_case("three"));
  EXPECT_EQ(judge_run(baseline, run).exit_code(), ExitCode::fine);
}

TEST(Check, ABaselineKeepsItsReasons) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "b.json").string();
  const Baseline first = make_baseline(run_of_two(), "first", nullptr);
  write_baseline(path, make_baseline(run_of_two(), "second", &first));
  const Baseline read = read_baseline(path);
  ASSERT_EQ(read.accepted.size(), 2U);
  EXPECT_EQ(read.accepted[1]["reason"], "second");
  EXPECT_EQ(judge_run(read, run_of_two()).exit_code(), ExitCode::fine);
  testing::write_bytes(path, "{}");
  testing::expect_input_error([&] { read_baseline(path); }, "not a baseline");
}

/// With the real program, whose backend drill_blocks changes as VIDATTN_DRILL says.
class CheckSlow : public ::testing::Test {
 protected:
  void SetUp() override {
    write_json(path("s.json"), {{"name", "drill"},
                                {"workloads", {{{"grid", {4, 16, 16}}, {"heads", 1}, {"dim", 32}}}},
                                {"backends", {"drill_blocks"}},
                                {"devices", {"drill_cpu"}},
                                {"timing", {{"seconds", 0.3}, {"interval", 0.02}}}});
    const ToolResult made =
        run_shell(check("--suite " + path("s.json") + " --force --accept 'first record'"));
    ASSERT_EQ(made.exit_code, 0) << made.out << made.err;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string check(const std::string& more) const {
    return std::string(VIDATTN_DRILL_TOOL) + " check --quiet --baseline " + path("b.json") +
           " --db " + path("v.db") + " " + more;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(CheckSlow, ChangesOfPlanDensityAndFidelityFail) {
  const auto report = [&](const char* change) {
    return run_shell("VIDATTN_DRILL=" + std::string(change) + " " +
                     check("--junit " + path("j.xml") + " --markdown " + path("m.md")));
  };
  const ToolResult plan = report("plan");
  EXPECT_EQ(plan.exit_code, 1);
  EXPECT_NE(plan.out.find("the plan is another one"), std::string::npos) << plan.out;
  EXPECT_EQ(plan.out.find("relative_l2 is"), std::string::npos) << "the result is the same";
  const ToolResult density = report("density");
  EXPECT_EQ(density.exit_code, 1);
  EXPECT_NE(density.out.find("density is"), std::string::npos) << density.out;
  EXPECT_NE(density.out.find("pairs is"), std::string::npos) << density.out;
  const ToolResult fidelity = report("fidelity");
  EXPECT_EQ(fidelity.exit_code, 1);
  EXPECT_NE(fidelity.out.find("relative_l2 is"), std::string::npos) << fidelity.out;
  EXPECT_EQ(fidelity.out.find("pairs is"), std::string::npos) << fidelity.out;
  EXPECT_NE(testing::read_bytes(path("j.xml")).find("<failure"), std::string::npos);
  EXPECT_NE(testing::read_bytes(path("m.md")).find("- **worse** "), std::string::npos);
}

TEST_F(CheckSlow, UsageErrorsAreThree) {
  EXPECT_EQ(run_shell(check("--accept ''")).exit_code, 3);
  EXPECT_EQ(run_tool("check --baseline " + path("none.json")).exit_code, 3);
  EXPECT_EQ(run_shell(check("--run 99")).exit_code, 3);
  // A stored run is judged without measuring: its figures match, its time is one of three.
  const ToolResult stored = run_shell(check("--run latest"));
  EXPECT_NE(stored.exit_code, 3) << stored.err;
  EXPECT_EQ(stored.out.find("pairs is"), std::string::npos) << stored.out;
}

}  // namespace
}  // namespace vidattn
