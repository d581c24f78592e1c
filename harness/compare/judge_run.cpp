#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/compare/check.h"
#include "harness/compare/unfit.h"
#include "harness/measure/record/catalogue.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using State = Finding::State;

std::string shown(double value) { return fmt::format("{:.7g}", value); }

/// Of a figure that is off by more than allowed; one that is no longer known is worse.
State direction(const MetricInfo& metric, double expected, double got) {
  if (!std::isfinite(got)) return State::worse;
  if (metric.better == Better::none) return State::changed;
  return (got > expected) == (metric.better == Better::higher) ? State::better : State::worse;
}

Finding figure(const MetricInfo& metric, double expected, double got, double tolerance) {
  const std::string tag = metric.tag;
  const bool match = std::abs(got - expected) <= tolerance;
  return {match ? State::ok : direction(metric, expected, got), tag, shown(expected), shown(got),
          match ? ""
                : fmt::format("{} is {}, the baseline has {} ({:+.3g}; {:.3g} allowed)", tag,
                              shown(got), shown(expected), got - expected, tolerance)};
}

/// A figure that nothing guards.
Finding not_in_baseline(const std::string& tag, const Measurement& c) {
  return {State::note, tag, "", shown(c.metric(tag)),
          tag + " is not in the baseline, so not judged; --accept adds it"};
}

/// Of a case that did not pass and that the baseline may lack.
State state_of(Outcome outcome, bool known) {
  if (outcome == Outcome::mistrusted || outcome == Outcome::interrupted) return State::invalid;
  return outcome == Outcome::skipped && !known ? State::skipped : State::worse;
}

Finding judge_outcome(const Measurement& c, bool known) {
  return {state_of(c.outcome, known), "outcome", known ? "passed" : "", to_string(c.outcome),
          outcome_text(c) + (known ? "" : "; not in the baseline")};
}

CheckedCase judge_new_case(const Measurement& c) {
  if (!c.passed()) return {c.key(), {judge_outcome(c, false)}};
  return {c.key(), {{State::note, "case", "", "passed", "not in the baseline; --accept adds it"}}};
}

void judge_figures(const BaselineCase& base, const Measurement& c, const Tolerances& t,
                   CheckedCase& checked) {
  for (const MetricInfo* metric : metrics_in(kGuarded)) {
    const auto found = base.figures.find(metric->tag);
    const double got = c.metric(metric->tag);
    if (found != base.figures.end())
      checked.findings.push_back(
          figure(*metric, found->second, got, t.of(metric->kind, found->second)));
    else if (std::isfinite(got))
      checked.findings.push_back(not_in_baseline(metric->tag, c));
  }
  const std::string& checksum = c.plan.checksum;
  const bool same = checksum == base.checksum;
  checked.findings.push_back(
      {same         ? State::ok
       : t.checksum ? State::changed
                    : State::note,
       "checksum", base.checksum, checksum,
       same         ? ""
       : t.checksum ? "the plan is another one"
                    : "the plan is another one; recorded on another platform, so not judged"});
}

/// A time that was accepted.
struct AcceptedTime {
  double value;
  Interval interval;
};

/// `tag` is the metric of a relative time, `over` what it is relative to, `doubt` why neither
/// slower nor faster would say anything; empty = it does.
Finding judge_time(const std::string& tag, const std::string& over, const AcceptedTime& accepted,
                   const Measurement& c, double tolerance, const std::string& doubt = "") {
  const double expected = accepted.value;
  const double got = c.metric(tag) / expected - 1;
  const double low = c.metric(tag + "_low") / expected - 1;
  const double high = c.metric(tag + "_high") / expected - 1;
  Finding f{State::ok, tag, shown(expected), shown(c.metric(tag)), ""};
  const std::string interval = std::isfinite(high - low)
                                   ? fmt::format("{:+.1f}% to {:+.1f}%", 100 * low, 100 * high)
                                   : "too few blocks for an interval";
  const std::string change = fmt::format("time over {} changed by {:+.1f}% ({}), {:.0f}% allowed",
                                         over, 100 * got, interval, 100 * tolerance);
  const Interval& known = accepted.interval;
  const bool wide = half_width(known, expected) > tolerance;
  const std::string too_wide =
      fmt::format(": the baseline's own interval, {:.4g} to {:.4g}, is too wide to tell", known.low,
                  known.high);
  const auto found = [&](State state, const std::string& why) {
    f.state = state;
    f.message = change + why;
  };
  const bool told = !wide && doubt.empty();
  const std::string why_not = wide ? too_wide : "; not judged: " + doubt;
  if (low > tolerance)
    found(told ? State::worse : State::invalid, told ? "" : why_not);
  else if (!(high <= tolerance) && !(got <= tolerance && high - got <= tolerance))
    found(State::invalid, ": too noisy to tell");
  else if (high < -tolerance)
    found(told ? State::better : State::note,
          told ? ": faster; --accept makes it the rule" : why_not);
  return f;
}

/// Where other programs hold the cores, a method's threads lose more by waiting for each other than
/// full attention's do: 12 to 42% were measured of unchanged code whose runs take milliseconds.
Finding judge_ratio(const BaselineCase& base, const Measurement& c, const Tolerances& t) {
  return judge_time("ratio", "full attention's", {base.ratio, base.ratio_interval}, c, t.ratio,
                    unfit_for_times(c));
}

/// Beside other programs it is a note at most: multiply-adds do not wait for each other.
Finding judge_fed_time(const BaselineCase& base, const Measurement& c, const Tolerances& t) {
  if (!std::isfinite(c.metric("fed_ratio")))  // its runs are too short here
    return {State::note, "fed_ratio", shown(base.fed_ratio), "",
            "the time over that of as many multiply-adds was not measured, so not judged"};
  Finding f = judge_time("fed_ratio", "that of as many multiply-adds",
                         {base.fed_ratio, base.fed_ratio_interval}, c, t.fed_ratio);
  const bool doubtful = f.state == State::worse || f.state == State::invalid;
  if (!doubtful || !c.cores_were_taken()) return f;
  f.state = State::note;
  f.message += "; not judged: other programs held the cores";
  return f;
}

void judge_times(const BaselineCase& base, const Measurement& c, const Tolerances& t,
                 CheckedCase& checked) {
  const auto judge = [&](const char* tag, double expected, auto judged) {
    if (std::isfinite(expected))
      checked.findings.push_back(judged());
    else if (std::isfinite(c.metric(tag)))
      checked.findings.push_back(not_in_baseline(tag, c));
  };
  judge("ratio", base.ratio, [&] { return judge_ratio(base, c, t); });
  judge("fed_ratio", base.fed_ratio, [&] { return judge_fed_time(base, c, t); });
}

/// Of times that are no ground for a verdict: what looks slower cannot be judged, and what does not
/// is no news either.
void withhold_verdict(const std::string& reason, CheckedCase& checked) {
  checked.withheld = true;
  for (Finding& f : checked.findings) {
    if (!is_time(f) || f.state == State::note) continue;
    f.state = f.state >= State::invalid ? State::invalid : State::note;
    f.message = fmt::format("{} is {}, the baseline has {}: no verdict: {}", f.figure, f.got,
                            f.expected, reason);
  }
}

/// Why nothing is said of a case's times, whatever they are; empty where something is.
std::string no_ground_for_times(const Baseline& baseline, const BaselineCase& base,
                                const StoredRun& run) {
  const std::string now = unfit_for_times(run);
  const std::string& then = baseline.unfit.empty() ? base.unfit : baseline.unfit;
  return now.empty() && !then.empty() ? "the baseline's times were accepted by force: " + then
                                      : now;
}

/// The root cause first: how the case ended, its plan, what that plan computes, and then what
/// follows of it, errors and at last times.
void sort_by_cause(std::vector<Finding>& findings) {
  constexpr const char* kCauses[] = {"outcome", "checksum",        "density",
                                     "pairs",   "attention_flops", "index_memory"};
  const auto rank = [&](const Finding& f) {
    return std::find(std::begin(kCauses), std::end(kCauses), f.figure) - std::begin(kCauses);
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
}

CheckedCase judge_case(const std::string& key, const BaselineCase& base, const Measurement& c,
                       const Tolerances& t) {
  CheckedCase checked{key, {}};
  if (!c.passed()) {
    checked.findings.push_back(judge_outcome(c, true));
    if (c.outcome != Outcome::mistrusted) return checked;
  }
  judge_figures(base, c, t, checked);
  if (c.passed()) judge_times(base, c, t, checked);
  if (base.figures.empty())
    checked.findings.push_back(
        {State::invalid, "figures", "", "", "the baseline has no figures for it"});
  sort_by_cause(checked.findings);
  return checked;
}

}  // namespace

std::string to_string(State state) {
  constexpr const char* kNames[] = {"ok",      "note",    "better", "skipped",
                                    "invalid", "changed", "worse"};
  return kNames[static_cast<int>(state)];
}

bool is_time(const Finding& f) {
  return std::find(std::begin(kJudgedTimes), std::end(kJudgedTimes), f.figure) !=
         std::end(kJudgedTimes);
}

std::string outcome_text(const Measurement& c) {
  return to_string(c.outcome) + (c.reason.empty() ? "" : ": " + c.reason);
}

State CheckedCase::worst() const {
  State worst = State::ok;
  for (const Finding& f : findings) worst = std::max(worst, f.state);
  return worst;
}

State CheckReport::worst() const {
  State worst = State::ok;
  for (const CheckedCase& c : cases) worst = std::max(worst, c.worst());
  return worst;
}

ExitCode CheckReport::exit_code() const {
  const State state = worst();
  return state >= State::changed   ? ExitCode::regression
         : state == State::invalid ? ExitCode::invalid
                                   : ExitCode::fine;
}

CheckReport judge_run(const Baseline& baseline, const StoredRun& run) {
  CheckReport report{baseline, baseline.tolerances(run), run, {}};
  if (baseline.cases.empty())
    report.cases.push_back(
        {"baseline", {{State::invalid, "cases", "", "", "it has no cases: nothing was judged"}}});
  std::set<std::string> met;
  for (const Measurement& c : run.cases) {
    const auto* base = baseline.find(c);
    report.cases.push_back(base ? judge_case(c.key(), base->second, c, report.tolerances)
                                : judge_new_case(c));
    if (!base) continue;
    met.insert(base->first);
    const std::string unfit = no_ground_for_times(baseline, base->second, run);
    if (!unfit.empty()) withhold_verdict(unfit, report.cases.back());
  }
  for (const auto& [key, base] : baseline.cases)
    if (met.count(key) == 0)
      report.cases.push_back(
          {key, {{State::worse, "case", "passed", "", "the run has no such case"}}});
  return report;
}

}  // namespace vidattn
