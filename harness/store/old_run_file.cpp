#include "harness/store/old_run_file.h"

#include <fmt/format.h>

#include "harness/host/command_line.h"
#include "harness/store/measurement_json.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using nlohmann::json;

std::vector<double> samples(const json& test, const char* name) {
  const json details = test.value("details", json());  // null: never described
  return details.is_object() ? details.value(name, std::vector<double>{}) : std::vector<double>{};
}

/// Full attention beside the case, or null.
const json* control_of(const json& run, const json& test) {
  for (const json& other : run.at("cases"))
    if (other.at("backend") == "full" && other.at("device") == test.at("device") &&
        other.at("dtype") == test.at("dtype"))
      return &other;
  return nullptr;
}

std::vector<Block> blocks_of(const json& run, const json& test) {
  const auto plan = samples(test, "plan_seconds"), measured = samples(test, "run_seconds");
  const json* full = control_of(run, test);
  const auto full_plan = full ? samples(*full, "plan_seconds") : std::vector<double>{};
  const auto full_run = full ? samples(*full, "run_seconds") : std::vector<double>{};
  const auto peaks = run.value("fma_peak_gflops", std::vector<double>{});
  std::vector<Block> blocks;
  for (size_t i = 0; i < measured.size(); ++i) {
    Block block;
    block.index = static_cast<int64_t>(i);
    block.plan_seconds = plan.at(i);
    block.run_seconds = measured[i];
    block.dense_seconds = i < full_run.size() ? full_plan.at(i) + full_run[i] : NAN;
    block.peak_flops = i < peaks.size() ? peaks[i] * 1e9 : NAN;
    blocks.push_back(block);
  }
  return blocks;
}

std::string workload_text(const WorkloadFacts& w) {
  return fmt::format("{} {} tokens {} heads of {}", w.name, w.length, w.heads, w.dim);
}

void add_ratio(Measurement& m) {
  const std::vector<double> logs = log_ratios(m.blocks);
  if (logs.empty() || !std::isfinite(median(logs))) return;
  const RatioEstimate e = estimate_ratio(logs);
  const bool known = std::isfinite(e.interval.high);
  const std::string few = known ? "" : "too few blocks for an interval";
  m.values["ratio"] = {"1", std::exp(e.log_ratio)};
  m.values["ratio_low"] = {"1", known ? std::exp(e.interval.low) : NAN, few};
  m.values["ratio_high"] = {"1", known ? std::exp(e.interval.high) : NAN, few};
}

/// These files had one word for two outcomes.
Outcome outcome_of(const json& test) {
  const bool memory = test.value("reason", "") == "out of memory";
  return memory ? Outcome::out_of_memory : parse_outcome(test.at("outcome"));
}

}  // namespace

Measurement old_case(const json& record, const json& test) {
  Measurement m;
  m.workload = workload_facts_from_json(record.at("workload"));
  m.identity = {workload_text(*m.workload), test.at("backend"), test.at("device"),
                test.at("dtype")};
  m.outcome = outcome_of(test);
  m.reason = test.value("reason", "");
  m.note = test.value("note", "");
  const json metrics = test.value("metrics", json::object());
  for (const auto& [tag, metric] : metrics.items()) {
    const json& value = metric.at("value");
    m.values[tag] = {metric.value("unit", ""), value.is_number() ? value.get<double>() : NAN,
                     metric.value("reason", "")};
  }
  m.blocks = blocks_of(record, test);
  add_ratio(m);
  m.command = command_line(record.at("arguments"));
  read_details(test.value("details", json()), m);
  modernize(m);
  return m;
}

}  // namespace vidattn
