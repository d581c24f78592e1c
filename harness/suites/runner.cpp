#include "harness/suites/runner.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <optional>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/measure/case_contender.h"
#include "harness/measure/case_metrics.h"
#include "harness/measure/engine/engine.h"
#include "harness/measure/verify.h"
#include "harness/report/run_report.h"
#include "harness/store/run_source.h"
#include "harness/store/store.h"
#include "metrics/machine/peak.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

std::vector<Case> make_cases(const RunOptions& options, const Inputs& original) {
  std::vector<Case> cases;
  for (DType dtype : options.dtypes) {
    const Inputs in = inputs_in(original, dtype);
    for (const std::string& device : options.devices)
      for (const std::string& backend : options.backends) {
        Case c = make_case(backend, device, dtype, in);
        sample_if_long(c, options.whole);
        if (options.densities.empty() || c.is_full()) {
          cases.push_back(std::move(c));
          continue;
        }
        for (double target : options.densities) {
          cases.push_back(make_case(backend, device, dtype, in));
          set_density(cases.back(), target);
        }
      }
  }
  // Full attention first: the others are compared with its output.
  std::stable_sort(cases.begin(), cases.end(),
                   [](const Case& a, const Case& b) { return a.is_full() && !b.is_full(); });
  return cases;
}

void check_all(std::vector<Case>& cases, std::vector<Dense>& dense) {
  Progress progress("checking against the reference", static_cast<int64_t>(cases.size()));
  for (size_t i = 0; i < cases.size(); ++i) {
    if (interrupted())
      cases[i].result.outcome = "interrupted";
    else
      check_case(cases[i], dense);
    progress.update(static_cast<int64_t>(i) + 1);
  }
}

/// Interleaved blocks: each runs every passing case once, so that drift hits all alike. Returns the
/// peak measured beside each, in GFLOP/s.
std::vector<double> measure(std::vector<Case>& cases, const RunOptions& options) {
  std::map<DType, Output> outputs;  // reused, so that timing touches no fresh pages
  std::vector<Case*> timed;
  std::vector<Contender> contenders;
  for (Case& c : cases) {
    if (!c.passed()) continue;
    timed.push_back(&c);
    contenders.push_back(contender_of(c, outputs[c.dtype]));
  }
  Policy policy;
  policy.max_blocks = options.repeat;
  policy.interleaving = Interleaving::rotated;
  policy.keep_unfinished = true;  // medians of each case, not ratios within a block
  policy.peak = [] { return fma_peak_gflops(omp_get_max_threads()); };
  policy.peak_age = 0;
  policy.label = "measuring";
  Timings timings = time_contenders(contenders, policy);
  for (size_t i = 0; i < timed.size(); ++i) take_times(*timed[i], timings.contenders[i]);
  return std::move(timings.peaks);
}

int exit_code(const std::vector<Case>& cases) {
  const bool failed = std::any_of(cases.begin(), cases.end(),
                                  [](const Case& c) { return c.result.outcome == "failed"; });
  return interrupted() ? 130 : failed ? 1 : 0;
}

void print_interrupted(const std::vector<Case>& cases, const std::string& out) {
  const bool any =
      std::any_of(cases.begin(), cases.end(), [](const Case& c) { return !c.run_seconds.empty(); });
  if (any)
    fmt::print("interrupted: what was measured until then is in the table{}\n",
               out.empty() ? "" : " and in " + out);
  else
    fmt::print("interrupted before anything was measured\n");
}

/// Adds the run, named after its command; an interrupted one stays unfinished.
void add_to_store(Store& store, const nlohmann::json& record, const std::string& started) {
  StoredRun run = run_from_record(record);
  run.started = started;
  if (!interrupted()) run.finished = utc_now();
  store.add_run(run);
  fmt::print("run {} is in {}\n", store.list_runs().back().id, in_quotes(store.path().string()));
}

}  // namespace

int run(const RunOptions& options) {
  for (const std::string& backend : options.backends) parse_backend(backend);
  for (const std::string& device : options.devices) find_device(device);
  if (!options.out.empty()) require_writable(options.out);
  std::optional<Store> store;  // opened first: no measuring for a store that cannot be written
  if (!options.db.empty()) store.emplace(options.db, Store::Mode::write);
  const std::string started = utc_now();
  catch_interrupts();
  if (options.quiet) set_progress_style(ProgressStyle::quiet);
  const Workload workload = build_workload(options.workload);
  std::vector<Case> cases = make_cases(options, workload.inputs);
  std::vector<Dense> dense;
  check_all(cases, dense);
  if (std::all_of(cases.begin(), cases.end(), [](const Case& c) { return c.skipped(); }))
    throw InputError("nothing can run: " + cases.front().result.reason);
  const std::vector<double> peaks = measure(cases, options);
  add_metrics(cases, options, highest(peaks));
  print_report(workload, cases, peaks);
  const bool recorded = store || !options.out.empty();
  const nlohmann::json record =
      recorded ? run_record(options, workload, cases, peaks) : nlohmann::json();
  if (!options.out.empty()) write_json(options.out, record);
  if (store) add_to_store(*store, record, started);
  if (interrupted()) print_interrupted(cases, options.out);
  return exit_code(cases);
}

}  // namespace vidattn
