#include "harness/measure/request.h"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>

#include "harness/host/command_line.h"
#include "harness/measure/case_metrics.h"
#include "harness/measure/verify.h"
#include "harness/report/run_report.h"
#include "metrics/machine/peak.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

/// The rate that a case reached, over the highest peak measured beside it; NaN without a peak.
double share_of_peak(const Case& c) {
  std::vector<double> peaks;
  for (const Block& b : c.blocks) peaks.push_back(b.peak_flops);
  const double peak = highest(peaks);
  return peak > 0 ? c.stats.flops / median(c.run_seconds) / peak : NAN;
}

/// The median ratio and its interval: NAME, NAME_low, NAME_high.
void add_ratio(Case& c, const std::string& name, const std::vector<double>& log_ratios) {
  const RatioEstimate e = estimate_ratio(log_ratios);
  auto& m = c.result.cost;
  const std::string few = "too few blocks for an interval";
  m.push_back({name, "", "1", std::exp(e.log_ratio)});
  m.push_back({name + "_low", "", "1", std::exp(e.interval.low), 3, few});
  m.push_back({name + "_high", "", "1", std::exp(e.interval.high), 3, few});
}

/// Time of running over what as many multiply-adds took in the same block.
std::vector<double> fed_log_ratios(const Case& c, const std::vector<double>& fed_gflops) {
  std::vector<double> logs;
  for (const Block& b : c.blocks)
    logs.push_back(std::log(b.run_seconds * 1e9 * fed_gflops.at(b.index) / c.stats.flops));
  return logs;
}

void add_ratio_metrics(Case& c, const Timings& timing) {
  add_ratio(c, "ratio", log_ratios(c.blocks));
  if (!timing.multiply_adds.empty())
    add_ratio(c, "fed_ratio", fed_log_ratios(c, timing.multiply_adds));
  auto& m = c.result.cost;
  // Where there is a ratio, paired by block, speedup is its inverse and not one of medians.
  const auto named = [&](const char* tag) {
    return std::find_if(m.begin(), m.end(),
                        [&](const Metric& metric) { return metric.tag == tag; });
  };
  if (named("speedup") != m.end()) named("speedup")->value = 1 / named("ratio")->value;
  m.push_back({"share_of_peak", "", "1", share_of_peak(c), 3,
               "no peak is measured for this device and storage type"});
  m.push_back({"dense_time", "", "s", [&] {
                 std::vector<double> times;
                 for (const Block& b : c.blocks) times.push_back(b.dense_seconds);
                 return median(std::move(times));
               }()});
}

/// What is physically impossible was measured wrongly.
void mistrust(const Case& c, StoredCase& stored) {
  const double share = share_of_peak(c);
  if (!(share > 1)) return;
  stored.outcome = Outcome::mistrusted;
  stored.reason = fmt::format(
      "ran at {:.0f}% of the measured peak: its time or the peak was disturbed", 100 * share);
}

void fill(StoredCase& stored, const Case& c) {
  stored.note = c.result.note;
  stored.reason = c.result.reason;
  const std::string& outcome = c.result.outcome;
  stored.outcome = outcome == "interrupted"             ? Outcome::skipped
                   : c.result.reason == "out of memory" ? Outcome::out_of_memory
                                                        : parse_outcome(outcome);
  if (outcome == "interrupted") stored.reason = "interrupted";
  for (const auto* metrics : {&c.result.cost, &c.result.fidelity})
    for (const Metric& m : *metrics)
      stored.metrics[m.tag] = {m.unit, std::isfinite(m.value) ? m.value : NAN,
                               std::isfinite(m.value) ? "" : m.reason};
  stored.metrics.erase("share_of_fma_peak");  // share_of_peak has the storage type's own
  stored.blocks = c.blocks;
  if (c.result.details.is_object()) stored.details.update(c.result.details);
  stored.details.erase("plan_seconds");  // they stand in the blocks
  stored.details.erase("run_seconds");
  if (c.passed() && stored.timed()) mistrust(c, stored);
}

/// The dense control first, then the request's backends.
std::vector<Case> make_cases(const CaseRequest& request, const Inputs& original) {
  const Inputs in = inputs_in(original, request.dtype);
  std::vector<Case> cases;
  for (const std::string& backend : request.backends)
    cases.push_back(make_case(backend, request.device, request.dtype, in));
  cases.insert(cases.begin(), make_case("full", request.device, request.dtype, in));
  for (size_t i = 0; i < cases.size(); ++i) {
    Case& c = cases[i];
    sample_if_long(c, request.whole);
    if (i > 0 && request.density && !c.is_full()) set_density(c, *request.density);
  }
  return cases;
}

}  // namespace

std::vector<std::string> case_arguments(const CaseRequest& r) {
  std::vector<std::string> words{"case"};
  const std::vector<std::string> workload = workload_arguments(r.workload);
  words.insert(words.end(), workload.begin(), workload.end());
  for (const std::string& backend : r.backends) words.insert(words.end(), {"--backend", backend});
  words.insert(words.end(), {"--device", r.device, "--dtype", to_string(r.dtype)});
  if (r.density) words.insert(words.end(), {"--density", fmt::format("{}", *r.density)});
  words.insert(words.end(), {"--seconds", fmt::format("{}", r.timing.seconds), "--interval",
                             fmt::format("{}", r.timing.interval), "--min-blocks",
                             std::to_string(r.timing.min_blocks), "--max-blocks",
                             std::to_string(r.timing.max_blocks), "--order-seed",
                             std::to_string(r.timing.seed)});
  if (r.timing.cold) words.push_back("--cold");
  if (r.whole) words.push_back("--whole");
  return words;
}

StoredCase named_case(const CaseRequest& request, const std::string& backend) {
  StoredCase c;
  c.workload = shell_line(workload_arguments(request.workload));
  c.workload = c.workload.substr(sizeof "--workload");
  c.backend = parse_backend(backend).text();
  c.device = request.device;
  c.dtype = to_string(request.dtype);
  if (c.backend != "full") c.density = request.density;
  CaseRequest single = request;
  single.backends = {backend};
  single.density = c.density;
  c.command = "vidattn " + shell_line(case_arguments(single));
  c.key = fmt::format("{} on {} {}", c.backend, c.device, c.dtype);
  if (c.density) c.key += fmt::format(" at density {}", *c.density);
  if (request.timing.cold) c.key += ", cold";
  c.key += ", " + c.workload;
  return c;
}

std::vector<StoredCase> measure_cases(const CaseRequest& request) {
  std::vector<StoredCase> stored;
  for (const std::string& backend : request.backends)
    stored.push_back(named_case(request, backend));
  const std::string process = fmt::format("{}-{}", utc_now(), getpid());
  const Workload workload = build_workload(request.workload);
  std::vector<Case> cases = make_cases(request, workload.inputs);
  std::vector<Dense> full_outputs;
  for (Case& c : cases) check_case(c, full_outputs);
  Case& dense = cases.front();
  std::vector<Case*> timed;
  for (size_t i = 1; i < cases.size(); ++i)
    if (cases[i].passed()) timed.push_back(&cases[i]);
  std::optional<Timings> timing;
  if (dense.passed() && !timed.empty()) timing = time_blocks(timed, dense, request.timing);
  if (timing) add_metrics(cases, RunOptions{}, NAN);
  const nlohmann::json description = workload_record(workload);
  for (size_t i = 0; i < stored.size(); ++i) {
    Case& c = cases[i + 1];
    if (c.passed() && !c.blocks.empty()) add_ratio_metrics(c, *timing);
    stored[i].process = process;
    stored[i].details["timing"] =
        timing ? timing_record(*timing, request.timing) : nlohmann::json();
    stored[i].details["workload"] = description;
    stored[i].details["threads"] = omp_get_max_threads();
    fill(stored[i], c);
    if (!dense.passed() && c.passed()) {
      stored[i].outcome = Outcome::failed;
      stored[i].reason = "the dense control " + dense.result.outcome + ": " + dense.result.reason;
    }
  }
  return stored;
}

}  // namespace vidattn
