#include "harness/suites/suite_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>

#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/host/environment.h"
#include "harness/host/interrupt.h"
#include "harness/host/preflight.h"
#include "harness/host/process.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text_table.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/catalogue.h"
#include "harness/store/measurement_json.h"
#include "harness/store/store.h"
#include "harness/suites/refused.h"
#include "harness/suites/shards/slurm.h"
#include "harness/suites/suite.h"

namespace vidattn {
namespace {

constexpr double kGibi = 1024.0 * 1024 * 1024;

/// The last line that says something, without the program's name before it.
std::string last_line(const std::string& text) {
  std::string last;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) last = text.substr(at, end - at);
    at = end + 1;
  }
  constexpr const char* kPrefix = "vidattn: ";
  return last.rfind(kPrefix, 0) == 0 ? last.substr(std::strlen(kPrefix)) : last;
}

bool near_limit(const ProcessResult& result, const ProcessLimits& limits) {
  constexpr double kNear = 0.9;
  const auto held = static_cast<double>(std::max(result.peak_bytes, result.private_bytes));
  return limits.memory_bytes > 0 && held > kNear * static_cast<double>(limits.memory_bytes);
}

bool was_killed(const ProcessResult& result) {
  return result.end == ProcessResult::End::signalled && result.code == SIGKILL;
}

/// Whether what ended the process was a lack of memory: the limit, or the system's OOM killer.
bool lacked_memory(const ProcessResult& result, const ProcessLimits& limits) {
  const auto said = [&](const char* text) { return result.err.find(text) != std::string::npos; };
  return was_killed(result) || near_limit(result, limits) || said("bad_alloc") ||
         said("out of memory");
}

std::string memory_reason(const ProcessResult& result, const ProcessLimits& limits) {
  std::string said = last_line(result.err);
  if (result.end == ProcessResult::End::exited && !said.empty()) return said;
  const bool by_limit =
      limits.memory_bytes > 0 && (near_limit(result, limits) || !was_killed(result));
  std::string reason = by_limit
                           ? fmt::format("more than the limit of {:.3g} GiB of private memory",
                                         static_cast<double>(limits.memory_bytes) / kGibi)
                           : std::string("killed, most likely by the system for lack of memory");
  reason +=
      fmt::format("; {:.3g} GiB were resident", static_cast<double>(result.peak_bytes) / kGibi);
  if (result.end == ProcessResult::End::timed_out)
    reason += fmt::format(", and the limit of {:g} s was reached", limits.seconds);
  return reason;
}

/// Outcome of a process that gave no record.
void explain_end(Measurement& c, const ProcessResult& result, const ProcessLimits& limits) {
  constexpr int kInputError = static_cast<int>(ExitCode::usage);
  const std::string said = last_line(result.err);
  c.process.error_output = result.err;
  // First: for lack of memory, libraries were seen to wait for ever.
  if (lacked_memory(result, limits)) {
    c.outcome = Outcome::out_of_memory;
    c.reason = memory_reason(result, limits);
  } else if (result.end == ProcessResult::End::timed_out) {
    c.outcome = Outcome::timed_out;
    c.reason = fmt::format("ended after the limit of {:g} s", limits.seconds);
  } else if (result.end == ProcessResult::End::signalled) {
    c.outcome = Outcome::crashed;
    c.reason = fmt::format("signal {} ({}){}", result.code, strsignal(result.code),
                           said.empty() ? "" : ": " + said);
  } else if (result.code == kInputError) {
    c.outcome = Outcome::refused;
    c.reason = said;
  } else {
    c.outcome = Outcome::crashed;
    c.reason = fmt::format("exit code {} without a result{}", result.code,
                           said.empty() ? "" : ": " + said);
  }
}

/// The record that the process printed; nullopt when it is not one.
std::optional<Measurement> record_of(const ProcessResult& result) {
  if (result.end != ProcessResult::End::exited) return std::nullopt;
  try {
    const nlohmann::json json = parse_json(result.out);
    const std::vector<JsonReader> cases = JsonReader(json).items();
    if (cases.size() == 1) return measurement_from_json(cases.front());
  } catch (const InputError&) {  // the process ended before it had written it
  }
  return std::nullopt;
}

/// The suite with the limits of the command line in place of its own.
Suite with_limits(Suite suite, const SuiteOptions& options) {
  if (options.case_seconds) suite.limits.seconds = *options.case_seconds;
  if (options.memory_gib)
    suite.limits.memory_bytes = static_cast<int64_t>(*options.memory_gib * kGibi);
  return suite;
}

StoredRun new_run(const Suite& suite, const SuiteOptions& options) {
  StoredRun run;
  run.suite = suite.name;
  run.started = utc_now();
  run.arguments = options.arguments;
  run.definition = suite.definition;
  const nlohmann::json here = environment();
  set_environment(run, JsonReader(here));
  return run;
}

/// The suite's last run, when this program may carry it on; a finished one has nothing left to do.
/// A shard that was not begun, as in an array job that is queued again, has none (no uid).
StoredRun run_to_resume(const Suite& suite, const Store& store, const StoredRun& now,
                        bool of_shard) {
  const std::vector<StoredRun> runs = store.list_runs();
  const auto last = std::find_if(runs.rbegin(), runs.rend(),
                                 [&](const StoredRun& r) { return r.suite == suite.name; });
  if (last == runs.rend() && of_shard) return {};
  if (last == runs.rend())
    throw InputError(fmt::format("store {}: no run of suite '{}' to resume",
                                 in_quotes(store.path().string()), suite.name));
  const char* changed = last->definition != suite.definition   ? "the suite"
                        : last->revision != now.revision       ? "the program's revision"
                        : last->machine_key != now.machine_key ? "the machine"
                                                               : nullptr;
  if (changed != nullptr)
    throw InputError(
        fmt::format("run {} cannot be resumed: {} has changed since; leave out "
                    "--resume to begin a new run",
                    last->id, changed));
  return store.load_run(std::to_string(last->id));
}

void print_case(size_t number, size_t count, const Measurement& c) {
  print_out("[{}/{}] {}: {}{}{}", number, count, to_string(c.outcome), c.key(),
            c.reason.empty() ? "" : ": ", c.reason);
  if (c.missed_density()) print_out("; its density is {:.4g}", c.metric("density"));
  if (c.timed())
    print_out("; {} of full attention's time ({} to {}), {} blocks", find_metric("ratio")->cell(c),
              find_metric("ratio_low")->cell(c), find_metric("ratio_high")->cell(c),
              c.blocks.size());
  print_out("; {:.1f} s\n  {}\n", c.process.seconds, c.command);
  std::fflush(stdout);
}

/// What cannot be stored is printed whole: it was measured, and there is no other place for it.
void store_or_print(Store& store, int64_t run, Measurement& c) {
  try {
    store.add_case(run, c);
  } catch (const InputError&) {
    print_out("{}\n", json_line(to_json(c)));
    throw;
  }
}

std::vector<PreflightCheck> look_before(bool quiet) {
  std::vector<PreflightCheck> checks = preflight();
  if (!quiet)
    for (const PreflightCheck& check : checks)
      print_out("preflight {}: {} ({})\n", check.name, to_string(check.state), check.message);
  std::fflush(stdout);
  return checks;
}

std::vector<std::string> row_of(const Measurement& c, bool several_workloads) {
  std::string name = fmt::format("{} [{} {}]", short_setting(c.identity.backend), c.identity.device,
                                 c.identity.dtype);
  name = with_target(name, c.identity);
  if (several_workloads) name += ", " + c.identity.workload;
  std::vector<std::string> row{name, to_string(c.outcome)};
  for (const MetricInfo* metric : metrics_in(kSuite)) row.push_back(metric->cell(c));
  const auto outliers = std::count_if(c.blocks.begin(), c.blocks.end(),
                                      [](const Block& b) { return !b.outlier.empty(); });
  const auto peak = c.process.peak_bytes;
  row.insert(row.end(), {std::to_string(c.blocks.size()), std::to_string(outliers),
                         c.timing ? c.timing->stopped_by : "-",
                         peak ? fmt::format("{:.3g}", static_cast<double>(*peak) / kGibi) : "-"});
  return row;
}

void print_table(const StoredRun& run) {
  const bool several = std::any_of(run.cases.begin(), run.cases.end(), [&](const Measurement& c) {
    return c.identity.workload != run.cases.front().identity.workload;
  });
  std::vector<std::string> headers{"case", "outcome"};
  for (const MetricInfo* metric : metrics_in(kSuite)) headers.emplace_back(metric->header);
  headers.insert(headers.end(), {"blocks", "outliers", "stop", "peak GiB"});
  TableRows rows;
  for (const Measurement& c : run.cases) rows.push_back(row_of(c, several));
  print_out("\n{}", text_table(headers, rows));
}

/// What a nonzero exit code is about, where nothing else was printed.
void print_troubles(const StoredRun& run) {
  for (const Measurement& c : run.cases)
    if (c.outcome != Outcome::passed)
      print_out("{}: {}: {}\n", to_string(c.outcome), c.key(), c.reason);
  for (const PreflightCheck& check : run.preflight)
    if (check.state == PreflightCheck::State::invalid) print_out("preflight: {}\n", check.message);
}

ExitCode exit_code(const StoredRun& run) {
  const auto any = [&](auto condition) {
    return std::any_of(run.cases.begin(), run.cases.end(), condition);
  };
  const auto refused = [](const Measurement& c) { return c.outcome == Outcome::refused; };
  if (any([&](const Measurement& c) { return is_failure(c.outcome) && !refused(c); }))
    return ExitCode::regression;
  if (say_refused(run.cases)) return ExitCode::usage;
  const bool nothing = !any([](const Measurement& c) { return c.passed(); });
  const bool mistrusted =
      any([](const Measurement& c) { return c.outcome == Outcome::mistrusted; });
  return nothing || mistrusted || preflight_invalid(run.preflight) ? ExitCode::invalid
                                                                   : ExitCode::fine;
}

}  // namespace

std::optional<Measurement> run_case(const CaseRequest& request, const ProcessLimits& limits) {
  Measurement c = named_case(request, request.backends.front());
  const std::string started = utc_now();
  std::vector<std::string> arguments = case_arguments(request);
  arguments.insert(arguments.end(), {"--json", "--quiet"});
  const ProcessResult result = run_self(arguments, limits);
  if (result.end == ProcessResult::End::interrupted) return std::nullopt;
  if (auto record = record_of(result)) {
    record->identity.workload = c.identity.workload;  // the process knows of no name
    c = std::move(*record);
  } else {
    explain_end(c, result, limits);
  }
  c.process.started = started;
  c.process.seconds = result.seconds;
  c.process.peak_bytes = result.peak_bytes;
  return c;
}

void one_by_one(const CasesToRun& cases) {
  for (const size_t place : cases.places) {
    std::optional<Measurement> c;
    if (!interrupted()) c = run_case(cases.suite.cases[place], cases.limits);
    if (!c) return;
    cases.done(place, std::move(*c));
  }
}

Suite suite_to_run(const SuiteOptions& options) {
  const Suite whole = with_limits(load_suite(options.suite), options);
  return options.shard ? shard_of_suite(whole, *options.shard) : whole;
}

int64_t run_suite(const Suite& suite, Store& store, const SuiteOptions& options,
                  const MeasureCases& measure) {
  StoredRun run = new_run(suite, options);
  std::set<std::string> done;
  StoredRun begun;
  if (options.resume) begun = run_to_resume(suite, store, run, options.shard.has_value());
  if (!begun.uid.empty()) {
    run = std::move(begun);
    for (const Measurement& c : run.cases) done.insert(c.key());
  } else {
    measure_limits(run.environment);
    run.preflight = look_before(options.quiet);
    store.begin_run(run);
  }
  const ProcessLimits limits = with_limits(suite, options).limits;
  if (!options.quiet)
    print_out("run {} of suite {}: {}, {} done before\n", run.id, suite.name,
              counted(std::ssize(suite.cases), "case"), done.size());
  std::vector<size_t> left;
  for (size_t i = 0; i < suite.cases.size(); ++i)
    if (!done.contains(named_case(suite.cases[i], suite.cases[i].backends.front()).key()))
      left.push_back(i);
  size_t measured = 0;
  measure({suite, left, limits, [&](size_t place, Measurement c) {
             store_or_print(store, run.id, c);
             ++measured;
             if (!options.quiet) print_case(place + 1, suite.cases.size(), c);
           }});
  if (measured == left.size() && run.finished.empty()) store.finish_run(run.id, utc_now());
  return run.id;
}

ExitCode run_suite(const SuiteOptions& options, const MeasureCases& measure) {
  const Suite suite = suite_to_run(options);
  if (options.resume && !options.shard)
    Store(options.db);  // refuses a store that is missing, which writing would make
  Store store(options.db, Store::Mode::write);
  const int64_t id = run_suite(suite, store, options, measure);
  const StoredRun run = store.load_run(std::to_string(id));
  options.quiet ? print_troubles(run) : print_table(run);
  if (interrupted())
    print_out("interrupted: {} of {} cases are in {}; --resume carries on\n", run.case_count,
              suite.cases.size(), in_quotes(options.db));
  else
    print_out("run {} is in {}\n", id, in_quotes(options.db));
  return exit_code(run);
}

void print_slurm_script(const SuiteOptions& options, int64_t shards) {
  const Suite suite = load_suite(options.suite);
  shard_of_suite(suite, {1, shards});  // refuses more shards than cases
  std::vector<std::string> arguments{options.suite};
  if (options.case_seconds)
    arguments.insert(arguments.end(), {"--case-timeout", fmt::format("{}", *options.case_seconds)});
  if (options.memory_gib)
    arguments.insert(arguments.end(), {"--memory-limit", fmt::format("{}", *options.memory_gib)});
  print_out("{}", slurm_script(with_limits(suite, options), shards, arguments, options.db,
                               std::filesystem::current_path().string()));
}

}  // namespace vidattn
