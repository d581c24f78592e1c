#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/host/command_line.h"
#include "harness/io/json_file.h"
#include "harness/report/report.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using nlohmann::json;

json message(const char* level, std::string text) {
  return {{"level", level}, {"text", std::move(text)}};
}

/// What a reader must know before believing a run.
json validity(const StoredRun& run) {
  json found = json::array();
  size_t fewest = SIZE_MAX;
  for (const StoredCase& c : run.cases) {
    const std::string name = fmt::format("{} [{} {}]", c.backend, c.device, c.dtype);
    if (c.outcome == Outcome::mistrusted || (c.dtype == "f32" && c.metric("share_of_fma_peak") > 1))
      found.push_back(message("invalid", name + " ran above the measured peak"));
    else if (c.outcome != Outcome::passed)
      found.push_back(message(c.outcome == Outcome::skipped ? "warn" : "invalid",
                              fmt::format("{} {}: {}", name, to_string(c.outcome), c.reason)));
    if (c.timed()) fewest = std::min(fewest, c.blocks.size());
  }
  constexpr size_t kFewestBlocks = 6;
  if (fewest < kFewestBlocks)
    found.push_back(message(
        "warn", fmt::format("only {} timed blocks: no intervals below {}", fewest, kFewestBlocks)));
  const json state = run.environment.value("state", json::object());
  const json load = state.value("load_average", json());
  if (load.is_array() && !load.empty() && load[0].is_number() &&
      load[0].get<double>() > state.value("threads", 1.0) * 1.5)
    found.push_back(message(
        "warn", fmt::format("load average {:.2f} when it was written", load[0].get<double>())));
  for (const json& check : run.preflight.is_array() ? run.preflight : json::array())
    if (check.value("state", "pass") != "pass")
      found.push_back(message(check.value("state", "") == "invalid" ? "invalid" : "warn",
                              check.value("message", "")));
  if (found.empty()) found.push_back(message("pass", "all cases passed their checks"));
  return found;
}

json ratio_record(const StoredCase& c) {
  const std::vector<double> logs = log_ratios(c.blocks);
  if (logs.empty()) return nullptr;
  const RatioEstimate e = estimate_ratio(logs);
  return {
      {"ratio", std::exp(e.log_ratio)},
      {"low", number_or_null(std::exp(e.interval.low))},
      {"high", e.standard_error < INFINITY ? number_or_null(std::exp(e.interval.high)) : json()},
      {"blocks", e.blocks}};
}

/// Place of a workload's record among those known; adds a new one. -1 for none.
int64_t workload_index(const json& record, json& workloads) {
  if (!record.is_object()) return -1;
  const auto found = std::find(workloads.begin(), workloads.end(), record);
  const int64_t index = found - workloads.begin();
  if (found == workloads.end()) workloads.push_back(record);
  return index;
}

json case_record(const StoredCase& c, const StoredRun& run, size_t index, json& workloads) {
  json record{{"run", index},
              {"name", c.backend},
              {"method", c.backend.substr(0, c.backend.find(':'))},
              {"workload", c.workload},
              {"device", c.device},
              {"dtype", c.dtype},
              {"outcome", to_string(c.outcome)},
              {"reason", c.reason},
              {"note", c.note},
              {"command", c.command},
              {"ratio", c.backend == "full" ? json() : ratio_record(c)}};
  if (record["ratio"].is_object() && record["ratio"]["high"].is_null())
    record["ratio"]["low"] = nullptr;
  record["metrics"] = json::object();
  for (const auto& [tag, metric] : c.metrics)
    if (std::isfinite(metric.value)) record["metrics"][tag] = metric.value;
  const json workload = c.details.value("workload", json::object());
  record["workload_index"] = workload_index(c.details.value("workload", json()), workloads);
  const json& m = record["metrics"];
  if (workload.contains("length") && m.contains("attention_flops")) {
    // Least traffic: q and o of all heads, k and v of theirs, and the plan's index, each once.
    const double bytes = m.value("index_memory", 0.0) +
                         (c.dtype == "f32" ? 4 : 2) * workload.value("length", 0.0) *
                             workload.value("dim", 0.0) * 2 *
                             (workload.value("heads", 0.0) +
                              workload.value("kv_heads", workload.value("heads", 0.0)));
    record["intensity"] = number_or_null(m["attention_flops"].get<double>() / bytes);
  }
  double peak = NAN;
  for (const Block& block : c.blocks) peak = std::fmax(peak, block.peak_flops);
  record["peak"] = number_or_null(peak);
  const json measured = run.environment.value("measured", json::object());
  record["bandwidth"] = number_or_null(1e9 * measured.value("memory_bandwidth_gbs", NAN));
  return record;
}

/// Names cases with what sets them apart from others of their method.
void add_labels(json& data) {
  json& cases = data["cases"];
  const auto kind = [](const json& c) {
    return fmt::format("{} {}", c["device"].get<std::string>(), c["dtype"].get<std::string>());
  };
  const bool kinds = std::any_of(cases.begin(), cases.end(),
                                 [&](const json& c) { return kind(c) != kind(cases[0]); });
  for (json& c : cases) {
    std::string text = c["name"];
    if (kinds) text += fmt::format(" [{}]", kind(c));
    if (data["workloads"].size() > 1)
      text += fmt::format(" (workload {})", c["workload_index"].get<int64_t>() + 1);
    if (data["runs"].size() > 1) text += fmt::format(" (run {})", c["run"].get<int64_t>() + 1);
    c["label"] = text;
  }
}

/// A case is on the front when none of its device, type and workload is both faster and nearer to
/// full attention.
void mark_front(json& cases) {
  const auto value = [](const json& c, const char* tag) { return c["metrics"].value(tag, NAN); };
  for (json& c : cases) {
    const double speed = value(c, "speedup"), error = value(c, "relative_l2");
    c["front"] = std::isfinite(speed) && std::isfinite(error) &&
                 std::none_of(cases.begin(), cases.end(), [&](const json& other) {
                   const double s = value(other, "speedup"), e = value(other, "relative_l2");
                   return other["device"] == c["device"] && other["dtype"] == c["dtype"] &&
                          other["workload"] == c["workload"] && s >= speed && e <= error &&
                          (s > speed || e < error);
                 });
  }
}

json history_record(const std::vector<StoredRun>& history) {
  std::map<std::string, json> series;
  for (const StoredRun& run : history)
    for (const StoredCase& c : run.cases) {
      const json ratio = ratio_record(c);
      if (c.backend == "full" || !ratio.is_object()) continue;
      series[run.machine_key + c.key]["name"] =
          fmt::format("{} [{} {}, {}]", c.backend, c.device, c.dtype, c.workload);
      series[run.machine_key + c.key]["points"].push_back({{"run", run.id},
                                                           {"started", run.started},
                                                           {"revision", run.revision},
                                                           {"ratio", ratio["ratio"]}});
    }
  json record = json::array();
  for (auto& [key, s] : series)
    if (s["points"].size() > 1) record.push_back(std::move(s));
  return record;
}

}  // namespace

json report_data(const std::vector<StoredRun>& runs, const std::vector<StoredRun>& history) {
  json data{{"runs", json::array()}, {"cases", json::array()}, {"workloads", json::array()}};
  for (size_t i = 0; i < runs.size(); ++i) {
    const StoredRun& run = runs[i];
    data["runs"].push_back({{"name", run.uid},
                            {"revision", run.revision},
                            {"started", run.started},
                            {"command", command_line(run.arguments)},
                            {"environment", run.environment},
                            {"validity", validity(run)}});
    for (const StoredCase& c : run.cases)
      data["cases"].push_back(case_record(c, run, i, data["workloads"]));
  }
  add_labels(data);
  mark_front(data["cases"]);
  data["history"] = history_record(history);
  return data;
}

}  // namespace vidattn
