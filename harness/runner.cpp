#include "harness/runner.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/case_metrics.h"
#include "harness/density.h"
#include "harness/in_dtype.h"
#include "harness/interrupt.h"
#include "harness/json_file.h"
#include "harness/progress.h"
#include "harness/run_report.h"
#include "metrics/equality.h"
#include "metrics/fidelity.h"
#include "metrics/memory.h"
#include "metrics/peak.h"
#include "metrics/plan_stats.h"

namespace vidattn {
namespace {

// Rows of full attention that a run without the `full` backend is compared with.
constexpr int64_t kFidelityRows = 512;

// Full attention above this many FLOPs (some minutes on two cores) is run for a sample of its query
// rows: enough of them that each core has several full kernel blocks of 384 queries per head.
constexpr double kMaxWholeFlops = 5e13;
constexpr int64_t kSampledRows = 3072;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Full attention for fidelity, in one storage type.
struct Dense {
  DType dtype;
  std::vector<int64_t> tokens;  ///< rows of `output` that are valid
  Output output;
};

Inputs inputs_in(const Inputs& original, DType dtype) {
  Inputs in = original;
  for (auto* tensor : {&in.q, &in.k, &in.v}) *tensor = in_dtype(*tensor, dtype, "the input");
  return in;
}

Case make_case(const std::string& backend, const std::string& device, DType dtype,
               const Inputs& in) {
  Case c{parse_backend(backend), &find_device(device), dtype, in, {}, {}, {}, {}};
  c.in.device = c.device;
  c.result.backend = c.spec.text();
  c.result.device = device;
  c.result.dtype = dtype;
  return c;
}

/// Full attention of all tokens, or of a sample when that would take too long.
void sample_if_long(Case& c, bool whole) {
  const double flops = 4.0 * std::pow(static_cast<double>(c.in.length()), 2) *
                       static_cast<double>(c.in.dim() * c.in.heads());
  if (!c.is_full() || whole || flops <= kMaxWholeFlops) return;
  c.sampled = sample_tokens(c.in.length(), kSampledRows);
  c.scale_up = static_cast<double>(c.in.length()) / static_cast<double>(c.sampled.size());
  c.result.note = fmt::format("full: times are extrapolated from {} of {} query rows",
                              c.sampled.size(), c.in.length());
}

Plan make_plan(const Case& c) {
  return c.sampled.empty() ? c.spec.backend->plan(c.in, c.spec.params)
                           : full_attention_rows(c.sampled, c.in.length());
}

/// Sets the knob of the case's method; a method that refuses the inputs is skipped.
void set_density(Case& c, double target) {
  try {
    DensitySolution solution = solve_density(c.spec, c.in, target);
    c.spec = std::move(solution.spec);
    c.result.backend = c.spec.text();
    c.result.note = std::move(solution.note);
  } catch (const InputError& error) {
    c.result.outcome = "skipped";
    c.result.reason = error.what();
  }
  if (interrupted()) {  // the search stopped early, or never began
    c.result.outcome = "interrupted";
    c.result.note.clear();
  }
}

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

void check_against_reference(Case& c, const Plan& plan, const Output& out) {
  const EqualityCheck check = check_equality(plan, c.in, out, c.sampled);
  c.check_rows = check.rows;
  c.check_error = check.error;
  c.result.outcome = check.passed() ? "passed" : "failed";
  c.result.reason = check.reason;
}

nlohmann::json describe_plan(const Plan& plan, const PlanStats& stats) {
  nlohmann::json json{{"density_per_head", stats.density_per_head}};
  for (const BranchStats& b : stats.branches)
    json["branches"].push_back(
        {{"name", b.name}, {"density", b.density}, {"pairs_per_head", b.pairs}});
  json["planning_stages"] = nlohmann::json::array();
  for (const PlanStage& s : plan.stages)
    json["planning_stages"].push_back(
        {{"name", s.name}, {"seconds", s.seconds}, {"flops", s.flops}, {"bytes", s.bytes}});
  for (const auto& [name, value] : plan.figures) json["figures"][name] = value;
  return json;
}

/// Full attention's output in the case's storage type; the full case itself gives it when it runs
/// before the others, else some rows are computed.
Dense& dense_for(Case& c, Output& out, std::vector<Dense>& dense) {
  for (Dense& known : dense)
    if (known.dtype == c.dtype) return known;
  Dense& made = dense.emplace_back(Dense{c.dtype, {}, {}});
  if (c.is_full()) {
    made.tokens = c.sampled.empty() ? sample_tokens(c.in.length(), c.in.length()) : c.sampled;
    made.output = std::move(out);
  } else {
    made.tokens = sample_tokens(c.in.length(), kFidelityRows);
    find_device("cpu").run(full_attention_rows(made.tokens, c.in.length()), c.in, made.output);
  }
  return made;
}

/// Plans, runs and checks a case; measures memory and fidelity.
void check_and_compare(Case& c, std::vector<Dense>& dense) {
  c.setup_seconds = seconds_of([&] { c.spec.backend->prepare(c.in, c.spec.params); });
  Output out;
  Plan plan = make_plan(c);
  plan.validate(c.in);
  c.device->run(plan, c.in, out);  // touches code and output pages before memory is measured
  {
    const PeakMemory memory;
    plan = {};
    plan = make_plan(c);
    c.device->run(plan, c.in, out);
    c.extra_bytes = memory.extra_bytes();
  }
  c.stats = plan_stats(c.sampled.empty() ? plan : c.spec.backend->plan(c.in, c.spec.params), c.in);
  c.figures = plan.figures;
  c.result.details = describe_plan(plan, c.stats);
  check_against_reference(c, plan, out);
  const Dense& full = dense_for(c, out, dense);
  c.fidelity =
      compare_with_full(plan, c.in, out.o.empty() ? full.output : out, full.output, full.tokens);
}

/// One case's trouble is its own outcome; the others go on.
void check_case(Case& c, std::vector<Dense>& dense) {
  if (!c.result.outcome.empty()) return;  // refused already
  try {
    check_and_compare(c, dense);
  } catch (const InputError& error) {
    c.result.outcome = "skipped";
    c.result.reason = error.what();
  } catch (const std::bad_alloc&) {
    c.result.outcome = "failed";
    c.result.reason = "out of memory";
  } catch (const std::exception& error) {
    c.result.outcome = "failed";
    c.result.reason = error.what();
  }
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

/// A device that fails here is the case's outcome; what others measured stays.
void measure_once(Case& c, Output& out) {
  try {
    Plan plan;
    const double planning = seconds_of([&] { plan = make_plan(c); });
    c.run_seconds.push_back(c.scale_up * seconds_of([&] { c.device->run(plan, c.in, out); }));
    c.plan_seconds.push_back(planning);
    c.device_times.push_back(out.times);
  } catch (const DeviceError& error) {
    c.result.outcome = "failed";
    c.result.reason = error.what();
  }
}

/// Interleaved blocks: each runs every passing case once, so that drift hits all alike.
void measure(std::vector<Case>& cases, const RunOptions& options, std::vector<double>& peaks) {
  std::map<DType, Output> outputs;  // reused, so that timing touches no fresh pages
  Progress progress("measuring", static_cast<int64_t>(options.repeat * cases.size()));
  int64_t done = 0;
  for (int block = 0; block < options.repeat; ++block) {
    peaks.push_back(fma_peak_gflops(omp_get_max_threads()));
    for (size_t i = 0; i < cases.size(); ++i) {
      Case& c = cases[(i + block) % cases.size()];
      if (interrupted()) return;
      if (c.passed()) {
        measure_once(c, outputs[c.dtype]);
      }
      progress.update(++done);
    }
  }
}

int exit_code(const std::vector<Case>& cases) {
  const bool failed = std::any_of(cases.begin(), cases.end(),
                                  [](const Case& c) { return c.result.outcome == "failed"; });
  return interrupted() ? 130 : failed ? 1 : 0;
}

Workload build_workload(WorkloadRequest request) {
  Progress progress("building the workload", 1000);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * 1000)); };
  return make_workload(request);
}

}  // namespace

int run(const RunOptions& options) {
  for (const std::string& backend : options.backends) parse_backend(backend);
  for (const std::string& device : options.devices) find_device(device);
  if (!options.out.empty()) require_writable(options.out);
  catch_interrupts();
  if (options.quiet) set_progress_style(ProgressStyle::quiet);
  const Workload workload = build_workload(options.workload);
  std::vector<Case> cases = make_cases(options, workload.inputs);
  std::vector<Dense> dense;
  check_all(cases, dense);
  if (std::all_of(cases.begin(), cases.end(), [](const Case& c) { return c.skipped(); }))
    throw InputError("nothing can run: " + cases.front().result.reason);
  std::vector<double> peaks;
  measure(cases, options, peaks);
  add_metrics(cases, options, highest(peaks));
  print_report(workload, cases, peaks);
  if (!options.out.empty()) write_json(options.out, run_record(options, workload, cases, peaks));
  if (interrupted())
    fmt::print("interrupted: what was measured until then is in the table{}\n",
               options.out.empty() ? "" : " and in " + options.out);
  return exit_code(cases);
}

}  // namespace vidattn
