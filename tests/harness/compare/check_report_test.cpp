// That a gate is green for cases that passed only, and that all of its reports say the same.
#include "harness/compare/check_report.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/harness/files.h"
#include "tests/harness/stored.h"

namespace vidattn {
namespace {

using testing::key_of;
using testing::run_of_two;
using testing::stored_case;
using State = Finding::State;

Baseline baseline_of_two() { return make_baseline(run_of_two(), "first", nullptr); }

/// What becomes of a case that ends so.
struct Ended {
  Outcome outcome;
  bool known;  ///< whether the baseline has it
  State state;
  ExitCode code;
  std::string junit;
};

std::vector<Ended> all_ended() {
  std::vector<Ended> all;
  for (const bool known : {true, false}) {
    for (const Outcome failure :
         {Outcome::failed, Outcome::crashed, Outcome::timed_out, Outcome::out_of_memory})
      all.push_back({failure, known, State::worse, ExitCode::regression, "<failure "});
    for (const Outcome unknown : {Outcome::mistrusted, Outcome::interrupted})
      all.push_back({unknown, known, State::invalid, ExitCode::invalid, "<error "});
  }
  all.push_back({Outcome::skipped, false, State::skipped, ExitCode::fine, "<skipped "});
  all.push_back({Outcome::skipped, true, State::worse, ExitCode::regression, "<failure "});
  all.push_back({Outcome::passed, false, State::note, ExitCode::fine, "<system-out>"});
  return all;
}

/// A run of which one case ended so, held against the baseline.
CheckReport report_of(const Ended& ended) {
  StoredRun run = run_of_two();
  if (!ended.known) run.cases.push_back(stored_case("three"));
  Measurement& c = ended.known ? run.cases[1] : run.cases[2];
  c.outcome = ended.outcome;
  if (!c.passed()) c.reason = "because of this";
  return judge_run(baseline_of_two(), run);
}

size_t occurrences(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(CheckReport, OnlyWhatPassedIsGreenInTheBaselineOrNot) {
  for (const Ended& ended : all_ended()) {
    SCOPED_TRACE(to_string(ended.outcome) + (ended.known ? ", known" : ", new"));
    const CheckReport report = report_of(ended);
    EXPECT_EQ(report.exit_code(), ended.code);
    EXPECT_EQ(to_string(report.cases.back().worst()), to_string(ended.state));
  }
}

TEST(CheckReport, TextMarkdownJsonAndJunitSayTheSame) {
  for (const Ended& ended : all_ended()) {
    SCOPED_TRACE(to_string(ended.outcome) + (ended.known ? ", known" : ", new"));
    const CheckReport report = report_of(ended);
    const std::string state = to_string(ended.state), text = check_text(report),
                      markdown = check_markdown(report), xml = check_junit(report);
    const nlohmann::json json = check_json(report);
    const std::string verdict = json["verdict"], why = report.cases.back().findings.front().message;
    EXPECT_EQ(json["exit_code"], static_cast<int>(ended.code));
    EXPECT_EQ(json["cases"].back()["verdict"], state);
    EXPECT_NE(text.find("\n" + verdict + ": of "), std::string::npos) << text;
    EXPECT_NE(text.find(state + ": " + report.cases.back().key + ": " + why), std::string::npos)
        << text;
    EXPECT_NE(markdown.find("vidattn check: " + verdict), std::string::npos) << markdown;
    EXPECT_NE(markdown.find("- **" + state + "** "), std::string::npos) << markdown;
    for (const std::string element : {"<failure ", "<error ", "<skipped ", "<system-out>"})
      EXPECT_EQ(occurrences(xml, element), element == ended.junit ? 1U : 0U) << xml;
  }
}

TEST(CheckReport, JunitCountsWhatItHolds) {
  StoredRun run = run_of_two();
  run.cases[0].outcome = Outcome::crashed;
  for (const char* name : {"three", "four", "five"}) run.cases.push_back(stored_case(name));
  run.cases[2].outcome = run.cases[3].outcome = Outcome::skipped;
  run.cases[4].outcome = Outcome::mistrusted;
  const std::string xml = check_junit(judge_run(baseline_of_two(), run));
  EXPECT_NE(xml.find("tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"2\""), std::string::npos)
      << xml;
}

/// The lines of a text that are about a case.
std::vector<std::string> lines_about(const std::string& text, const std::string& key) {
  std::vector<std::string> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);)
    if (line.find(": " + key + ": ") != std::string::npos) lines.push_back(line);
  return lines;
}

TEST(CheckReport, ACaseHasOneLineWithItsRootCauseFirst) {
  StoredRun run = run_of_two();
  Measurement& c = run.cases[0];
  c.values["relative_l2"].value = 0.1;
  c.values["density"].value = 0.5;
  c.plan.checksum = "other";
  for (const char* tag : {"ratio", "ratio_low", "ratio_high"}) c.values[tag].value *= 0.5;
  const CheckReport report = judge_run(baseline_of_two(), run);
  const auto lines = lines_about(check_text(report), c.key());
  ASSERT_EQ(lines.size(), 1U) << check_text(report);
  size_t at = 0;
  for (const char* part :
       {"worse: ", "the plan is another one; ", "density is 0.5, the baseline has 0.25 (+0.25; 0 ",
        ", worse; ", "relative_l2 is 0.1,", ", better; ", "-50.0%", "faster", ", better"}) {
    const size_t next = lines[0].find(part, at);
    ASSERT_NE(next, std::string::npos) << part << " in " << lines[0];
    at = next;
  }
}

TEST(CheckReport, WhatGotBetterIsNoRegression) {
  StoredRun run = run_of_two();
  run.cases[0].values["relative_l2"].value = 0.1;
  const CheckReport report = judge_run(baseline_of_two(), run);
  EXPECT_EQ(report.exit_code(), ExitCode::fine);
  for (const std::string& text : {check_text(report), check_markdown(report), check_junit(report),
                                  check_json(report).dump()}) {
    EXPECT_EQ(text.find("regress"), std::string::npos) << text;
    EXPECT_NE(text.find("relative_l2 is 0.1, the baseline has 0.2"), std::string::npos) << text;
  }
  EXPECT_NE(check_text(report).find("\nfine: of 2 cases 0 are worse, 0 changed, 1 are better"),
            std::string::npos)
      << check_text(report);
  EXPECT_EQ(occurrences(check_junit(report), "<failure "), 0U);
}

TEST(CheckReport, ReportsAreWellFormed) {
  StoredRun run = run_of_two();
  run.cases[0].identity.workload = "a<b & \"c\" | d";
  const Baseline baseline = make_baseline(run, "first", nullptr);
  run.cases[0].values["pairs"].value += 1;
  run.cases[1].outcome = Outcome::mistrusted;
  run.cases[1].reason = "above the peak";
  const CheckReport report = judge_run(baseline, run);
  const std::string xml = check_junit(report);
  EXPECT_NE(xml.find("tests=\"2\" failures=\"1\" errors=\"1\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("a&lt;b &amp; &quot;c&quot; | d\""), std::string::npos) << xml;
  EXPECT_NE(check_markdown(report).find("a\\<b & \"c\" \\| d | worse |"), std::string::npos)
      << check_markdown(report);
  EXPECT_NE(check_text(report).find("pairs is 1001, the baseline has 1000"), std::string::npos);
}

}  // namespace
}  // namespace vidattn
