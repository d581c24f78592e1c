#include "harness/measure/case_metrics.h"

#include <cmath>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

const Case* full_of(const std::vector<Case>& cases, const Case& c) {
  for (const Case& other : cases)
    if (other.is_full() && other.device == c.device && other.dtype == c.dtype &&
        !other.run_seconds.empty())
      return &other;
  return nullptr;
}

/// Median of one part of the device's times; only the kernels' grow with the number of rows.
double device_median(const Case& c, double DeviceTimes::*part) {
  std::vector<double> values;
  for (const DeviceTimes& times : c.device_times)
    values.push_back(part == &DeviceTimes::device ? c.scale_up * times.*part : times.*part);
  return median(values);
}

double total_seconds(const Case& c) { return median(c.plan_seconds) + median(c.run_seconds); }

void add_work_metrics(Case& c, const RunOptions& options) {
  auto& m = c.result.cost;
  const PlanStats& s = c.stats;
  m.push_back({"density", "density", "1", s.density, 4});
  m.push_back({"sparsity", "sparsity", "1", 1 - s.density, 4});
  m.push_back({"run_density", "in run", "1",
               c.spec.backend->run_density(c.spec.params, s.density, options.steps, options.layers),
               4});
  m.push_back({"pairs", "", "pairs", static_cast<double>(s.pairs)});
  m.push_back({"attention_flops", "GFLOP", "flop", s.flops, 4, "", 1e-9});
  m.push_back({"planning_flops", "", "flop", s.planning_flops});
}

void add_time_metrics(Case& c, const Case* full, double peak_gflops) {
  auto& m = c.result.cost;
  const std::string unmeasured = "interrupted before it was timed";
  const std::string no_full =
      c.run_seconds.empty() ? unmeasured : "full attention was not timed beside it";
  const double plan = median(c.plan_seconds), run = median(c.run_seconds);
  m.push_back({"setup_time", "", "s", c.setup_seconds});
  m.push_back({"plan_time", "plan ms", "s", plan, 3, unmeasured, 1e3});
  m.push_back({"run_time", "run ms", "s", run, 4, unmeasured, 1e3});
  m.push_back({"total_time", "total ms", "s", plan + run, 4, unmeasured, 1e3});
  const double rate = c.stats.flops / run;
  m.push_back({"flop_rate", "GFLOP/s", "flop/s", rate, 3, unmeasured, 1e-9});
  m.push_back({"share_of_fma_peak", "of peak", "1", rate / (peak_gflops * 1e9), 3, unmeasured});
  const double speedup = full ? total_seconds(*full) / (plan + run) : NAN;
  const double theoretical = 1 / c.stats.density;
  m.push_back({"speedup", "speedup", "1", speedup, 3, no_full});
  m.push_back({"theoretical_speedup", "1/density", "1", theoretical, 3});
  m.push_back({"realised_share", "realised", "1", speedup / theoretical, 3, no_full});
  // The same with planning left out on both sides: what the kernel makes of the plan's shape.
  const double full_rate = full ? full->stats.flops / median(full->run_seconds) : NAN;
  m.push_back({"realised_share_run", "run only", "1", rate / full_rate, 3, no_full});
  m.push_back({"planning_share", "plan%", "1", plan / (plan + run), 2, unmeasured, 100});
}

/// The kernels alone, beside the transfers that a resident model would not make.
void add_device_metrics(Case& c, const Case* full) {
  const double device = device_median(c, &DeviceTimes::device);
  if (!(device > 0)) return;
  auto& m = c.result.transfers;
  m.push_back(
      {"upload_time", "upload ms", "s", device_median(c, &DeviceTimes::upload), 3, "", 1e3});
  m.push_back({"device_time", "device ms", "s", device, 4, "", 1e3});
  m.push_back(
      {"download_time", "download ms", "s", device_median(c, &DeviceTimes::download), 3, "", 1e3});
  m.push_back(
      {"device_flop_rate", "device GFLOP/s", "flop/s", c.stats.flops / device, 3, "", 1e-9});
  const double speedup = full ? device_median(*full, &DeviceTimes::device) / device : NAN;
  const std::string no_full = "full attention was not timed beside it";
  m.push_back({"device_speedup", "device speedup", "1", speedup, 3, no_full});
  m.push_back({"device_realised_share", "realised", "1", speedup * c.stats.density, 3, no_full});
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

}  // namespace

void add_metrics(std::vector<Case>& cases, const RunOptions& options, double peak_gflops) {
  for (Case& c : cases) {
    if (!c.passed()) continue;
    add_work_metrics(c, options);
    add_time_metrics(c, full_of(cases, c), peak_gflops);
    add_device_metrics(c, full_of(cases, c));
    add_fidelity_metrics(c);
    add_balance_metrics(c);
    add_memory_metrics(c);
    c.result.details["plan_seconds"] = c.plan_seconds;
    c.result.details["run_seconds"] = c.run_seconds;
    c.result.details["check_tokens"] = c.check_rows;
    c.result.details["extrapolated_by"] = c.scale_up;  // 1: measured whole
    if (c.run_seconds.empty()) c.result.outcome = "interrupted";
  }
}

}  // namespace vidattn
