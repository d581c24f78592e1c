#include "harness/store/old_run_file.h"

#include <fmt/format.h>

#include <optional>

#include "harness/host/command_line.h"
#include "harness/io/one_line.h"
#include "harness/store/export.h"
#include "harness/store/measurement_json.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

/// Seconds; none where the case was never described.
std::vector<double> samples(const JsonReader& test, const char* name) {
  return test.maybe("details").maybe(name).get<std::vector<double>>();
}

/// Full attention beside the case, or nullopt.
std::optional<JsonReader> control_of(const JsonReader& run, const JsonReader& test) {
  const auto same = [&](const JsonReader& other, const char* key) {
    return other.at(key).text() == test.at(key).text();
  };
  for (const JsonReader& other : run.at("cases").items())
    if (other.at("backend").text() == "full" && same(other, "device") && same(other, "dtype"))
      return other;
  return std::nullopt;
}

std::vector<Block> blocks_of(const JsonReader& run, const JsonReader& test) {
  const auto plan = samples(test, "plan_seconds"), measured = samples(test, "run_seconds");
  const auto control = control_of(run, test);
  const auto full_plan = control ? samples(*control, "plan_seconds") : std::vector<double>{};
  const auto full_run = control ? samples(*control, "run_seconds") : std::vector<double>{};
  if (plan.size() != measured.size() || full_plan.size() != full_run.size())
    test.refuse("as many plan_seconds as run_seconds are needed");
  const auto peaks = run.maybe("fma_peak_gflops").get<std::vector<double>>();
  std::vector<Block> blocks;
  for (size_t i = 0; i < measured.size(); ++i) {
    Block block;
    block.index = static_cast<int64_t>(i);
    block.plan_seconds = plan[i];
    block.run_seconds = measured[i];
    block.dense_seconds = i < full_run.size() ? full_plan[i] + full_run[i] : NAN;
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
Outcome outcome_of(const JsonReader& test, const std::string& reason) {
  if (reason == "out of memory") return Outcome::out_of_memory;
  const JsonReader outcome = test.at("outcome");
  return outcome.placed([&] { return parse_outcome(outcome.text()); });
}

std::string line_of(const JsonReader& text) { return text.is_null() ? "" : text.line(); }

}  // namespace

Measurement old_case(const JsonReader& record, const JsonReader& test) {
  Measurement m;
  m.workload = workload_facts_from_json(record.at("workload"));
  m.identity = {workload_text(*m.workload), test.at("backend").text(), test.at("device").text(),
                test.at("dtype").text()};
  m.reason = line_of(test.maybe("reason"));
  m.outcome = outcome_of(test, m.reason);
  m.note = line_of(test.maybe("note"));
  m.values = metrics_from_json(test.maybe("metrics"));
  m.blocks = blocks_of(record, test);
  add_ratio(m);
  m.command = one_line(command_line(arguments_from_json(record.at("arguments"))));
  read_details(test.maybe("details"), m);
  modernize(m);
  return m;
}

}  // namespace vidattn
