#include "harness/store/run_source.h"

#include <fmt/format.h>

#include <cmath>

#include "attention/error.h"
#include "harness/host/command_line.h"
#include "harness/host/environment.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/store/export.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using nlohmann::json;
constexpr std::string_view kScheme = "run:";

/// A case that an interrupt kept from being described has none.
json details_of(const json& test) {
  const json details = test.value("details", json());
  return details.is_object() ? details : json::object();
}

std::vector<double> samples(const json& test, const char* name) {
  return details_of(test).value(name, std::vector<double>{});
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

std::string workload_text(const json& workload) {
  return fmt::format("{} {} tokens {} heads of {}", workload.at("name").get<std::string>(),
                     workload.at("length").get<int64_t>(), workload.at("heads").get<int64_t>(),
                     workload.at("dim").get<int64_t>());
}

void add_ratio(StoredCase& c) {
  const std::vector<double> logs = log_ratios(c.blocks);
  if (logs.empty() || !std::isfinite(median(logs))) return;
  const RatioEstimate e = estimate_ratio(logs);
  const std::string few = std::isfinite(e.interval.high) ? "" : "too few blocks for an interval";
  c.metrics["ratio"] = {"1", std::exp(e.log_ratio)};
  c.metrics["ratio_low"] = {"1", few.empty() ? std::exp(e.interval.low) : NAN, few};
  c.metrics["ratio_high"] = {"1", few.empty() ? std::exp(e.interval.high) : NAN, few};
}

StoredCase case_of(const json& run, const json& test) {
  StoredCase c;
  c.workload = workload_text(run.at("workload"));
  c.backend = test.at("backend");
  c.device = test.at("device");
  c.dtype = test.at("dtype");
  c.key = fmt::format("{} {} {} {}", c.workload, c.backend, c.device, c.dtype);
  // A run that was interrupted has an outcome of its own; such a case has no times.
  const std::string outcome = test.at("outcome");
  c.outcome = outcome == "interrupted" ? Outcome::skipped : parse_outcome(outcome);
  c.reason = test.value("reason", outcome == "interrupted" ? outcome : "");
  c.note = test.value("note", "");
  const json metrics = test.value("metrics", json::object());
  for (const auto& [tag, metric] : metrics.items()) {
    const json& value = metric.at("value");
    c.metrics[tag] = {metric.value("unit", ""), value.is_number() ? value.get<double>() : NAN,
                      metric.value("reason", "")};
  }
  c.blocks = blocks_of(run, test);
  add_ratio(c);
  c.command = command_line(run.at("arguments"));
  c.details = details_of(test);
  c.details.erase("plan_seconds");  // they stand in the blocks
  c.details.erase("run_seconds");
  c.details["workload"] = run.at("workload");
  return c;
}

StoredRun the_one_run(const std::string& path) {
  std::vector<StoredRun> runs = read_export(path);
  if (runs.size() != 1)
    throw InputError(fmt::format("it holds {} runs, expected one", runs.size()));
  return std::move(runs[0]);
}

constexpr const char* kNoRun = "{} is no file of `vidattn run --out` or of `vidattn export`: {}";

StoredRun read_file(const std::string& path) {
  const InputFile file(path);
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  try {
    const json run = json::parse(text);
    if (run.contains("format")) return the_one_run(path);
    StoredRun stored = run_from_record(run);
    stored.uid = std::filesystem::path(path).filename();
    return stored;
  } catch (const json::exception& error) {
    throw InputError(fmt::format(kNoRun, file.name(), json_fault(error)));
  } catch (const std::exception& error) {
    throw InputError(fmt::format(kNoRun, file.name(), std::string_view(error.what())));
  }
}

}  // namespace

bool names_run(const std::string& text) {
  return text.ends_with(".json") || text.starts_with(kScheme);
}

StoredRun run_from_record(const json& record) {
  StoredRun run;
  run.arguments = record.at("arguments").get<std::vector<std::string>>();
  run.suite = run.arguments.size() > 1 ? run.arguments[1] : "run";
  run.environment = record.at("environment");
  run.revision = run.environment.at("software").value("revision", "");
  run.machine_key = machine_key(run.environment);
  for (const json& test : record.at("cases")) run.cases.push_back(case_of(record, test));
  run.case_count = static_cast<int64_t>(run.cases.size());
  return run;
}

StoredRun read_run(const std::string& text, const std::string& db) {
  if (text.ends_with(".json")) return read_file(text);
  if (text.starts_with(kScheme))
    return Store(db.empty() ? kDefaultStore : db).load_run(text.substr(kScheme.size()));
  throw InputError(fmt::format("{} names no run: expected FILE.json or run:NAME", in_quotes(text)));
}

}  // namespace vidattn
