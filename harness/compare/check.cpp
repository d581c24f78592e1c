#include "harness/compare/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attention/error.h"
#include "harness/compare/check_report.h"
#include "harness/host/clock.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
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

/// Whether measuring again may change the verdict: only the time is in doubt.
bool suspicious(const CheckedCase& c) {
  bool time = false;
  for (const Finding& f : c.findings) {
    if (f.state < State::invalid) continue;
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
  for (const std::string tag : kJudgedTimes)
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
  const std::vector<std::string> unfit = unfit_times(made);
  for (const std::string& reason : unfit)
    print_out("{}: {}\n", options.force ? "accepted by force" : "too uncertain to accept", reason);
  if (!unfit.empty() && !options.force) {
    print_out("{} was not written: measure on a quieter machine or longer, or --force it\n",
              in_quotes(options.baseline));
    return ExitCode::invalid;
  }
  write_baseline(options.baseline, made);
  bool complete = true;
  for (const Measurement& c : run.cases) {
    complete &= c.passed() || c.outcome == Outcome::skipped;
    if (!c.passed()) print_out("not in the baseline: {}: {}\n", c.key(), outcome_text(c));
  }
  print_out("{} now holds {} of run {}: {}\n", in_quotes(options.baseline),
            counted(std::ssize(made.cases), "case"), run.id, options.accept);
  return complete ? ExitCode::fine : ExitCode::invalid;
}

}  // namespace

ExitCode check(const CheckOptions& options) {
  if (!options.accept.empty()) require_writable(options.baseline);  // before minutes of measuring
  const bool fresh = !options.accept.empty() && !std::filesystem::exists(options.baseline);
  if (fresh) claim_written(options.baseline, "--baseline");
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
