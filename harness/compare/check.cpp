#include "harness/compare/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "attention/error.h"
#include "harness/compare/check_report.h"
#include "harness/host/clock.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/record/catalogue.h"
#include "harness/measure/request.h"
#include "harness/store/store.h"
#include "harness/suites/suite.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using State = Finding::State;

constexpr int kMoreMeasurements = 2;  // of a suspicious case
constexpr double kMoreTime = 2;       // each with this many times the budget before
constexpr int kMoreProcesses = 2;     // whose times settle a baseline's, beside the first

constexpr const char* kTimes[] = {"ratio", "fed_ratio"};

bool is_time(const Finding& f) {
  return std::find(std::begin(kTimes), std::end(kTimes), f.figure) != std::end(kTimes);
}

std::string shown(double value) { return fmt::format("{:.7g}", value); }

Finding figure(const std::string& tag, double expected, double got, double tolerance) {
  const bool match = std::abs(got - expected) <= tolerance;
  return {match ? State::ok : State::regression, tag, shown(expected), shown(got),
          match ? ""
                : fmt::format("{} is {}, the baseline has {} ({:+.3g}; {:.3g} allowed)", tag,
                              shown(got), shown(expected), got - expected, tolerance)};
}

/// A figure that nothing guards.
Finding not_in_baseline(const std::string& tag, const Measurement& c) {
  return {State::note, tag, "", shown(c.metric(tag)),
          tag + " is not in the baseline, so not judged; --accept adds it"};
}

std::string because(const Measurement& c) {
  return to_string(c.outcome) + (c.reason.empty() ? "" : ": " + c.reason);
}

/// Of a case that did not pass and that the baseline may lack.
State state_of(Outcome outcome, bool known) {
  if (outcome == Outcome::mistrusted || outcome == Outcome::interrupted) return State::invalid;
  return outcome == Outcome::skipped && !known ? State::skipped : State::regression;
}

Finding judge_outcome(const Measurement& c, bool known) {
  return {state_of(c.outcome, known), "outcome", known ? "passed" : "", to_string(c.outcome),
          because(c) + (known ? "" : "; not in the baseline")};
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
          figure(metric->tag, found->second, got, t.of(metric->kind, found->second)));
    else if (std::isfinite(got))
      checked.findings.push_back(not_in_baseline(metric->tag, c));
  }
  const std::string& checksum = c.plan.checksum;
  const bool same = checksum == base.checksum;
  checked.findings.push_back(
      {same         ? State::ok
       : t.checksum ? State::regression
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

/// `tag` is the metric of a relative time, `over` what it is relative to.
Finding judge_time(const std::string& tag, const std::string& over, const AcceptedTime& accepted,
                   const Measurement& c, double tolerance) {
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
  if (low > tolerance && half_width(known, expected) > tolerance)
    f = {
        State::invalid, f.figure, f.expected, f.got,
        change + fmt::format(": the baseline's own interval, {:.4g} to {:.4g}, is too wide to tell",
                             known.low, known.high)};
  else if (low > tolerance)
    f = {State::regression, f.figure, f.expected, f.got, change};
  else if (!(high <= tolerance) && !(got <= tolerance && high - got <= tolerance))
    f = {State::invalid, f.figure, f.expected, f.got, change + ": too noisy to tell"};
  else if (high < -tolerance)
    f = {State::note, f.figure, f.expected, f.got, change + ": faster; --accept makes it the rule"};
  return f;
}

/// Whether other programs held a good part of the cores. A kernel's threads lose more by waiting
/// for each other then than multiply-adds do: measured as 8%.
bool cores_were_taken(const Measurement& c) {
  constexpr double kDisturbed = 0.25;
  return c.timing && c.timing->cpus_of_others > kDisturbed * std::max(1, c.process.threads);
}

Finding judge_fed_time(const BaselineCase& base, const Measurement& c, const Tolerances& t) {
  if (!std::isfinite(c.metric("fed_ratio")))  // its runs are too short here
    return {State::note, "fed_ratio", shown(base.fed_ratio), "",
            "the time over that of as many multiply-adds was not measured, so not judged"};
  Finding f = judge_time("fed_ratio", "that of as many multiply-adds",
                         {base.fed_ratio, base.fed_ratio_interval}, c, t.fed_ratio);
  if (f.state == State::ok || f.state == State::note || !cores_were_taken(c)) return f;
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
  judge("ratio", base.ratio, [&] {
    return judge_time("ratio", "full attention's", {base.ratio, base.ratio_interval}, c, t.ratio);
  });
  judge("fed_ratio", base.fed_ratio, [&] { return judge_fed_time(base, c, t); });
}

/// Nothing is slower that was timed on a machine unfit for it.
void distrust_times(const std::string& reason, CheckedCase& checked) {
  for (Finding& f : checked.findings) {
    if (!is_time(f) || f.state != State::regression) continue;
    f.state = State::invalid;
    f.message += "; not judged: " + reason;
  }
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
  return checked;
}

State worse(State a, State b) {
  constexpr State kByWeight[] = {State::regression, State::invalid, State::skipped, State::note};
  for (State s : kByWeight)
    if (a == s || b == s) return s;
  return State::ok;
}

/// Whether measuring again may change the verdict: only the time is in doubt.
bool suspicious(const CheckedCase& c) {
  bool time = false;
  for (const Finding& f : c.findings) {
    if (f.state != State::regression && f.state != State::invalid) continue;
    if (!is_time(f) && f.got != "mistrusted") return false;
    time = true;
  }
  return time;
}

/// A run for cases of `run` that are measured once more.
StoredRun begin_again(const StoredRun& run) {
  StoredRun extra = run;
  extra.uid.clear();
  extra.suite += kAgain;
  extra.finished.clear();
  extra.cases.clear();
  extra.started = utc_now();
  return extra;
}

/// Tags of the relative times and of the ends of their intervals.
std::vector<std::string> times_and_ends() {
  std::vector<std::string> tags;
  for (const std::string tag : kTimes)
    for (const char* end : {"", "_low", "_high"}) tags.push_back(tag + end);
  return tags;
}

/// Times differ from process to process by more than the blocks of one show, and everything later
/// is held against a baseline: its times, and their intervals' ends, are medians of three
/// processes.
void settle_times(const Suite& suite, Store& store, const SuiteOptions& options, StoredRun& run,
                  Outputs& outputs) {
  std::map<std::pair<std::string, std::string>, std::vector<double>> times;
  const auto collect = [&](const Measurement& c) {
    for (const std::string& tag : times_and_ends())
      if (c.passed() && std::isfinite(c.metric(tag)))
        times[{c.key(), tag}].push_back(c.metric(tag));
  };
  for (const Measurement& c : run.cases) collect(c);
  for (int more = 0; more < kMoreProcesses; ++more) {
    StoredRun extra = begin_again(run);
    for (const CaseRequest& request : suite.cases) {
      if (!options.quiet) print_out("measuring again: {}\n", request.backends.front());
      std::fflush(stdout);
      auto c = interrupted() ? std::nullopt : run_case(request, suite.limits);
      if (!c) return;
      collect(*c);
      extra.cases.push_back(std::move(*c));
    }
    extra.finished = utc_now();
    outputs.write([&] { store.add_run(extra); });
  }
  for (Measurement& c : run.cases)
    for (const std::string& tag : times_and_ends())
      if (const auto found = times.find({c.key(), tag}); found != times.end())
        c.values[tag].value = median(found->second);
}

/// Times suspicious cases anew. They are stored as a run of their own, so that nothing is lost.
void measure_again(const Suite& suite, Store& store, const SuiteOptions& options,
                   CheckReport& report, Outputs& outputs) {
  StoredRun extra = begin_again(report.run);
  for (const CheckedCase& checked : report.cases) {
    if (!suspicious(checked)) continue;
    for (CaseRequest request : suite.cases) {
      if (named_case(request, request.backends.front()).key() != checked.key || interrupted())
        continue;
      if (!options.quiet) print_out("measuring again: {}\n", checked.key);
      std::fflush(stdout);
      auto c = run_case(request, suite.limits);
      if (c) extra.cases.push_back(std::move(*c));
    }
  }
  if (extra.cases.empty()) return;
  if (!interrupted()) extra.finished = utc_now();
  outputs.write([&] { store.add_run(extra); });
  for (Measurement& c : report.run.cases)
    for (Measurement& again : extra.cases)
      if (c.key() == again.key()) c = again;
  CheckReport judged = judge_run(report.baseline, report.run);
  for (CheckedCase& checked : judged.cases)
    checked.again = std::any_of(extra.cases.begin(), extra.cases.end(),
                                [&](const Measurement& c) { return c.key() == checked.key; });
  report = std::move(judged);
}

ExitCode accept(const CheckOptions& options, const StoredRun& run, const Baseline* before) {
  if (run.finished.empty())
    throw InputError(fmt::format("run {} is unfinished: --resume it first", run.id));
  if (before && run.suite != before->suite)
    throw InputError(fmt::format("run {} is of suite {}, {} of suite {}", run.id,
                                 in_quotes(run.suite), in_quotes(options.baseline),
                                 in_quotes(before->suite)));
  const Baseline made = make_baseline(run, options.accept, before);
  if (made.cases.empty()) throw InputError("no case passed: nothing to accept");
  const std::vector<std::string> unfit = unfit_times(made, run);
  for (const std::string& reason : unfit) print_out("too uncertain to accept: {}\n", reason);
  if (!unfit.empty() && !options.force) {
    print_out("{} was not written: measure on a quieter machine or longer, or --force it\n",
              in_quotes(options.baseline));
    return ExitCode::invalid;
  }
  write_baseline(options.baseline, made);
  bool complete = true;
  for (const Measurement& c : run.cases) {
    complete &= c.passed() || c.outcome == Outcome::skipped;
    if (!c.passed()) print_out("not in the baseline: {}: {}\n", c.key(), because(c));
  }
  print_out("{} now holds {} cases of run {}: {}\n", in_quotes(options.baseline), made.cases.size(),
            run.id, options.accept);
  return complete ? ExitCode::fine : ExitCode::invalid;
}

}  // namespace

std::string to_string(State state) {
  return state == State::ok           ? "ok"
         : state == State::regression ? "regression"
         : state == State::invalid    ? "invalid"
         : state == State::skipped    ? "skipped"
                                      : "note";
}

State CheckedCase::worst() const {
  State worst = State::ok;
  for (const Finding& f : findings) worst = worse(worst, f.state);
  return worst;
}

State CheckReport::worst() const {
  State worst = State::ok;
  for (const CheckedCase& c : cases) worst = worse(worst, c.worst());
  return worst;
}

ExitCode CheckReport::exit_code() const {
  const State state = worst();
  return state == State::regression ? ExitCode::regression
         : state == State::invalid  ? ExitCode::invalid
                                    : ExitCode::fine;
}

CheckReport judge_run(const Baseline& baseline, const StoredRun& run) {
  CheckReport report{baseline, baseline.tolerances(run), run, {}};
  if (baseline.cases.empty())
    report.cases.push_back(
        {"baseline", {{State::invalid, "cases", "", "", "it has no cases: nothing was judged"}}});
  const std::string unfit = unfit_for_times(run);
  std::set<std::string> met;
  for (const Measurement& c : run.cases) {
    const auto* base = baseline.find(c);
    if (base) met.insert(base->first);
    report.cases.push_back(base ? judge_case(c.key(), base->second, c, report.tolerances)
                                : judge_new_case(c));
    if (!unfit.empty()) distrust_times(unfit, report.cases.back());
  }
  for (const auto& [key, base] : baseline.cases)
    if (met.count(key) == 0)
      report.cases.push_back(
          {key, {{State::regression, "case", "passed", "", "the run has no such case"}}});
  return report;
}

ExitCode check(const CheckOptions& options) {
  if (!options.accept.empty()) require_writable(options.baseline);  // before minutes of measuring
  const bool fresh = !options.accept.empty() && !std::filesystem::exists(options.baseline);
  const Baseline before = fresh ? Baseline{} : read_baseline(options.baseline);
  if (fresh && options.suite.suite.empty() && options.run.empty())
    throw InputError(in_quotes(options.baseline) + ": no such baseline; --suite names what to run");
  const bool measure = options.run.empty();
  const Suite suite = !measure                      ? Suite{}
                      : options.suite.suite.empty() ? parse_suite(before.definition)
                                                    : load_suite(options.suite.suite);
  Store store(options.suite.db, measure ? Store::Mode::write : Store::Mode::read);
  const std::string run =
      measure ? std::to_string(run_suite(suite, store, options.suite)) : options.run;
  if (interrupted()) return ExitCode::interrupted;
  StoredRun now = store.load_run(run);
  Outputs outputs;
  if (!options.accept.empty()) {
    if (measure) settle_times(suite, store, options.suite, now, outputs);
    if (interrupted()) return ExitCode::interrupted;
    return outputs.code(accept(options, now, fresh ? nullptr : &before));
  }
  CheckReport report = judge_run(before, now);
  Suite longer = suite;
  for (int i = 0; measure && i < kMoreMeasurements && !interrupted(); ++i) {
    for (CaseRequest& request : longer.cases) request.timing.seconds *= kMoreTime;
    measure_again(longer, store, options.suite, report, outputs);
  }
  outputs.write([&] { print_out("{}", check_text(report)); });
  if (!options.out.empty()) outputs.write([&] { write_json(options.out, check_json(report)); });
  if (!options.markdown.empty())
    outputs.write([&] { write_text(options.markdown, check_markdown(report)); });
  if (!options.junit.empty())
    outputs.write([&] { write_text(options.junit, check_junit(report)); });
  return outputs.code(report.exit_code());
}

}  // namespace vidattn
