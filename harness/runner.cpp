#include "harness/runner.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "harness/environment.h"
#include "harness/interrupt.h"
#include "harness/json_file.h"
#include "harness/progress.h"
#include "harness/sha256.h"
#include "metrics/fidelity.h"
#include "metrics/memory.h"
#include "metrics/peak.h"
#include "metrics/plan_stats.h"

namespace vidattn {
namespace {

// Raised when a field changes its meaning or goes away; new fields raise the minor number.
constexpr const char* kSchemaVersion = "1.0";

// Query-key products that one equality check may cost on the reference device, about a second.
constexpr double kCheckProducts = 4e8;

// Rows of full attention that a run without the `full` backend is compared with.
constexpr int64_t kFidelityRows = 512;

// Largest relative L2 error against the reference: float32 sums, and 8 or 11 bits of output.
double error_limit(DType dtype) {
  return dtype == DType::f32 ? 2e-5 : dtype == DType::bf16 ? 1e-2 : 2e-3;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// One backend on one device in one storage type, while it is measured.
struct Case {
  BackendSpec spec;
  const Device* device;
  DType dtype;
  Inputs in;
  CaseResult result;
  PlanStats stats;
  std::map<std::string, double> figures;
  Fidelity fidelity;
  double check_error = NAN;
  int64_t check_rows = 0;
  double setup_seconds = 0;
  std::optional<int64_t> extra_bytes;
  std::vector<double> plan_seconds, run_seconds;

  bool is_full() const { return spec.backend->name() == "full"; }
  bool passed() const { return result.outcome == "passed"; }
  double total_seconds() const { return median(plan_seconds) + median(run_seconds); }
};

/// Full attention for fidelity, in one storage type.
struct Dense {
  DType dtype;
  std::vector<int64_t> tokens;  ///< rows of `output` that are valid
  Output output;
};

Inputs inputs_in(const Inputs& original, DType dtype) {
  Inputs in = original;
  const auto convert = [dtype](const std::shared_ptr<const Tensor>& tensor) {
    return tensor->dtype() == dtype ? tensor : std::make_shared<const Tensor>(tensor->to(dtype));
  };
  in.q = convert(original.q);
  in.k = convert(original.k);
  in.v = convert(original.v);
  return in;
}

std::vector<Case> make_cases(const RunOptions& options, const Inputs& original) {
  std::vector<Case> cases;
  for (DType dtype : options.dtypes) {
    const Inputs in = inputs_in(original, dtype);
    for (const std::string& device : options.devices)
      for (const std::string& backend : options.backends) {
        Case c{parse_backend(backend), &find_device(device), dtype, in, {}, {}, {}, {}};
        c.in.device = c.device;
        c.result.backend = c.spec.text();
        c.result.device = device;
        c.result.dtype = dtype;
        cases.push_back(std::move(c));
      }
  }
  // Full attention first: the others are compared with its output.
  std::stable_sort(cases.begin(), cases.end(),
                   [](const Case& a, const Case& b) { return a.is_full() && !b.is_full(); });
  return cases;
}

void check_against_reference(Case& c, const Plan& plan, const Output& out) {
  const double per_row = static_cast<double>(c.in.length() * c.in.heads() * c.in.dim());
  const auto rows = static_cast<int64_t>(std::max(8.0, kCheckProducts / per_row));
  const auto tokens = sample_tokens(c.in.length(), rows);
  const ReferenceRows expected = reference_rows(plan, c.in, tokens);
  c.check_rows = static_cast<int64_t>(tokens.size());
  c.check_error = relative_l2_error(out.o, tokens, expected.o);
  if (c.check_error <= error_limit(c.dtype)) {
    c.result.outcome = "passed";
  } else {
    c.result.outcome = "failed";
    c.result.reason =
        fmt::format("relative L2 error {:.2e} against the reference on {} tokens exceeds {:.0e}",
                    c.check_error, c.check_rows, error_limit(c.dtype));
  }
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

/// Plans, runs and checks a case; measures memory and fidelity. `dense` may be empty, then the full
/// case fills it.
void check_case(Case& c, std::vector<Dense>& dense) {
  try {
    c.setup_seconds = seconds_of([&] { c.spec.backend->prepare(c.in, c.spec.params); });
    Output out;
    Plan plan = c.spec.backend->plan(c.in, c.spec.params);
    plan.validate(c.in);
    c.device->run(plan, c.in, out);  // touches code and output pages before memory is measured
    {
      const PeakMemory memory;
      plan = {};
      plan = c.spec.backend->plan(c.in, c.spec.params);
      c.device->run(plan, c.in, out);
      c.extra_bytes = memory.extra_bytes();
    }
    c.stats = plan_stats(plan, c.in);
    c.figures = plan.figures;
    c.result.details = describe_plan(plan, c.stats);
    check_against_reference(c, plan, out);
    auto known = std::find_if(dense.begin(), dense.end(),
                              [&](const Dense& d) { return d.dtype == c.dtype; });
    if (known == dense.end()) {
      dense.push_back({c.dtype, {}, {}});
      known = dense.end() - 1;
      known->tokens = sample_tokens(c.in.length(), c.is_full() ? c.in.length() : kFidelityRows);
      if (!c.is_full())
        find_device("cpu").run(full_attention_rows(known->tokens, c.in.length()), c.in,
                               known->output);
    }
    if (c.is_full() && known->output.o.empty()) {
      c.fidelity = compare_with_full(plan, c.in, out, out, known->tokens);
      known->output = std::move(out);
    } else {
      c.fidelity = compare_with_full(plan, c.in, out, known->output, known->tokens);
    }
  } catch (const InputError& error) {
    c.result.outcome = "skipped";
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
        Plan plan;
        c.plan_seconds.push_back(
            seconds_of([&] { plan = c.spec.backend->plan(c.in, c.spec.params); }));
        Output& out = outputs[c.dtype];
        c.run_seconds.push_back(seconds_of([&] { c.device->run(plan, c.in, out); }));
      }
      progress.update(++done);
    }
  }
}

const Case* full_of(const std::vector<Case>& cases, const Case& c) {
  for (const Case& other : cases)
    if (other.is_full() && other.device == c.device && other.dtype == c.dtype &&
        !other.run_seconds.empty())
      return &other;
  return nullptr;
}

void add_work_metrics(Case& c) {
  auto& m = c.result.cost;
  const PlanStats& s = c.stats;
  m.push_back({"density", "density", "1", s.density, 4});
  m.push_back({"sparsity", "sparsity", "1", 1 - s.density, 4});
  m.push_back({"pairs", "", "pairs", static_cast<double>(s.pairs)});
  m.push_back({"attention_flops", "GFLOP", "flop", s.flops, 4, "", 1e-9});
  m.push_back({"planning_flops", "", "flop", s.planning_flops});
}

void add_time_metrics(Case& c, const Case* full, double peak_gflops) {
  auto& m = c.result.cost;
  const std::string unmeasured = "interrupted before it was timed";
  const std::string no_full = "full attention was not run beside it";
  const double plan = median(c.plan_seconds), run = median(c.run_seconds);
  m.push_back({"setup_time", "", "s", c.setup_seconds});
  m.push_back({"plan_time", "plan ms", "s", plan, 3, unmeasured, 1e3});
  m.push_back({"run_time", "run ms", "s", run, 4, unmeasured, 1e3});
  m.push_back({"total_time", "total ms", "s", plan + run, 4, unmeasured, 1e3});
  const double rate = c.stats.flops / run;
  m.push_back({"flop_rate", "GFLOP/s", "flop/s", rate, 3, unmeasured, 1e-9});
  m.push_back({"share_of_fma_peak", "of peak", "1", rate / (peak_gflops * 1e9), 3, unmeasured});
  const double speedup = full ? full->total_seconds() / c.total_seconds() : NAN;
  const double theoretical = 1 / c.stats.density;
  m.push_back({"speedup", "speedup", "1", speedup, 3, no_full});
  m.push_back({"theoretical_speedup", "1/density", "1", theoretical, 3});
  m.push_back({"realised_share", "realised", "1", speedup / theoretical, 3, no_full});
}

void add_fidelity_metrics(Case& c) {
  auto& m = c.result.fidelity;
  m.push_back({"check_error", "check", "1", c.check_error, 2});
  m.push_back({"relative_l2", "rel L2", "1", c.fidelity.relative_l2, 3});
  m.push_back({"cosine", "cosine", "1", c.fidelity.cosine, 4});
  m.push_back({"max_error", "max err", "1", c.fidelity.max_error, 3});
  m.push_back({"recall_mean", "recall", "1", c.fidelity.recall_mean, 3});
  m.push_back({"recall_p5", "recall p5", "1", c.fidelity.recall_p5, 3});
  m.push_back({"fidelity_tokens", "tokens", "tokens", static_cast<double>(c.fidelity.tokens), 9});
}

void add_balance_metrics(Case& c) {
  auto& m = c.result.fidelity;
  const auto figure = [&](const char* name) {
    const auto found = c.figures.find(name);
    return found == c.figures.end() ? NAN : found->second;
  };
  const std::string groupless = "the method has no groups";
  m.push_back(
      {"group_balance", "largest/mean", "1", figure("largest_group_over_mean"), 3, groupless});
  m.push_back({"balance_loss_eq8", "loss eq8", "1", figure("loss_eq8"), 3, groupless});
  m.push_back({"balance_loss_switch", "loss switch", "1", figure("loss_switch"), 3, groupless});
}

void add_memory_metrics(Case& c) {
  auto& m = c.result.fidelity;
  constexpr double kMebi = 1024.0 * 1024.0;
  m.push_back({"planning_bytes", "", "byte", static_cast<double>(c.stats.planning_bytes)});
  m.push_back({"index_memory", "index MiB", "byte", static_cast<double>(c.stats.index_bytes), 3, "",
               1 / kMebi});
  m.push_back({"prepared_memory", "", "byte", static_cast<double>(c.stats.prepared_bytes)});
  m.push_back({"peak_extra_memory", "extra MiB", "byte",
               c.extra_bytes ? static_cast<double>(*c.extra_bytes) : NAN, 3,
               "not measurable on this system", 1 / kMebi});
}

void add_metrics(std::vector<Case>& cases, double peak_gflops) {
  for (Case& c : cases) {
    if (!c.passed()) continue;
    add_work_metrics(c);
    add_time_metrics(c, full_of(cases, c), peak_gflops);
    add_fidelity_metrics(c);
    add_balance_metrics(c);
    add_memory_metrics(c);
    c.result.details["plan_seconds"] = c.plan_seconds;
    c.result.details["run_seconds"] = c.run_seconds;
    c.result.details["check_tokens"] = c.check_rows;
    if (c.run_seconds.empty()) c.result.outcome = "interrupted";
  }
}

nlohmann::json to_json(const CaseResult& result) {
  nlohmann::json json{{"backend", result.backend},
                      {"device", result.device},
                      {"dtype", to_string(result.dtype)},
                      {"outcome", result.outcome},
                      {"details", result.details}};
  if (!result.reason.empty()) json["reason"] = result.reason;
  for (const auto* metrics : {&result.cost, &result.fidelity})
    for (const Metric& metric : *metrics) json["metrics"][metric.tag] = to_json(metric);
  return json;
}

std::string hash_of(const Tensor& tensor) {
  return sha256({reinterpret_cast<const char*>(tensor.data<std::byte>()),
                 static_cast<size_t>(tensor.bytes())});
}

nlohmann::json record(const RunOptions& options, const Workload& workload,
                      const std::vector<Case>& cases, const std::vector<double>& peaks) {
  const Inputs& in = workload.inputs;
  nlohmann::json json{{"schema_version", kSchemaVersion}, {"tool", "vidattn run"},
                      {"arguments", options.arguments},   {"interrupted", interrupted()},
                      {"repeat", options.repeat},         {"environment", environment()},
                      {"fma_peak_gflops", peaks}};
  json["workload"] = {{"name", workload.name},
                      {"provenance", workload.provenance},
                      {"length", in.length()},
                      {"heads", in.heads()},
                      {"kv_heads", in.kv_heads()},
                      {"dim", in.dim()},
                      {"grid", {in.grid.frames, in.grid.height, in.grid.width}},
                      {"text_tokens", in.grid.text_tokens},
                      {"shots", in.grid.shots}};
  json["workload"]["sha256"] = {
      {"q", hash_of(*in.q)}, {"k", hash_of(*in.k)}, {"v", hash_of(*in.v)}};
  for (const Case& c : cases) json["cases"].push_back(to_json(c.result));
  return json;
}

void print_table(const std::vector<Case>& cases, std::vector<Metric> CaseResult::*metrics) {
  std::vector<std::string> headers;
  std::vector<std::vector<std::string>> rows;
  const bool several = std::any_of(cases.begin(), cases.end(), [&](const Case& c) {
    return c.device != cases[0].device || c.dtype != cases[0].dtype;
  });
  for (const Case& c : cases) {
    if ((c.result.*metrics).empty()) continue;
    headers.assign(1, "backend");
    rows.push_back({c.result.backend});
    if (several) rows.back()[0] += fmt::format(" [{} {}]", c.result.device, to_string(c.dtype));
    for (const Metric& metric : c.result.*metrics) {
      if (metric.header.empty()) continue;
      headers.push_back(metric.header);
      rows.back().push_back(cell(metric));
    }
  }
  if (!rows.empty()) fmt::print("\n{}", text_table(headers, rows));
}

void print_reasons(const std::vector<Case>& cases) {
  for (const Case& c : cases)
    if (!c.result.reason.empty())
      fmt::print("{}: {} [{} {}]: {}\n", c.result.outcome, c.result.backend, c.result.device,
                 to_string(c.dtype), c.result.reason);
}

void print_workload(const Workload& workload, const std::vector<double>& peaks) {
  const Inputs& in = workload.inputs;
  fmt::print("workload {}: {} tokens", workload.name, in.length());
  if (in.grid.known())
    fmt::print(" (grid {}x{}x{}, shots at {})", in.grid.frames, in.grid.height, in.grid.width,
               fmt::join(in.grid.shots, ","));
  fmt::print(", {} heads of {}\n", in.heads(), in.dim());
  if (!peaks.empty())
    fmt::print("FMA peak measured in this run: {:.0f} GFLOP/s on {} threads\n", median(peaks),
               omp_get_max_threads());
}

int exit_code(const std::vector<Case>& cases) {
  if (interrupted()) return 130;
  const bool failed = std::any_of(cases.begin(), cases.end(),
                                  [](const Case& c) { return c.result.outcome == "failed"; });
  return failed ? 1 : 0;
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
  std::vector<double> peaks;
  measure(cases, options, peaks);
  add_metrics(cases, median(peaks));
  print_workload(workload, peaks);
  print_table(cases, &CaseResult::cost);
  print_table(cases, &CaseResult::fidelity);
  print_reasons(cases);
  if (!options.out.empty()) write_json(options.out, record(options, workload, cases, peaks));
  if (interrupted())
    fmt::print("interrupted: the table{} hold what was measured until then\n",
               options.out.empty() ? "" : " and " + options.out);
  return exit_code(cases);
}

}  // namespace vidattn
