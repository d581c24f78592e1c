#include "harness/report/run_report.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>

#include "harness/host/device_list.h"
#include "harness/host/environment.h"
#include "harness/host/interrupt.h"
#include "harness/io/sha256.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

// Raised when a field changes its meaning or goes away; new fields raise the minor number.
constexpr const char* kSchemaVersion = "1.1";

std::string hash_of(const Tensor& tensor) {
  return sha256({reinterpret_cast<const char*>(tensor.data<std::byte>()),
                 static_cast<size_t>(tensor.bytes())});
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

bool above_peak(const Case& c) {
  return std::any_of(c.result.cost.begin(), c.result.cost.end(), [](const Metric& m) {
    return m.tag == "share_of_fma_peak" && m.value > 1 && std::isfinite(m.value);
  });
}

void print_reasons(const std::vector<Case>& cases) {
  // bf16 may have a unit of its own that is faster than multiply-adds.
  if (std::any_of(cases.begin(), cases.end(),
                  [](const Case& c) { return c.dtype == DType::f32 && above_peak(c); }))
    fmt::print("warning: a case ran above the measured peak: other programs disturbed this run\n");
  for (const Case& c : cases) {
    if (!c.result.note.empty()) fmt::print("{}\n", c.result.note);
    if (!c.result.reason.empty())
      fmt::print("{}: {} [{} {}]: {}\n", c.result.outcome, c.result.backend, c.result.device,
                 to_string(c.dtype), c.result.reason);
  }
}

void print_workload(const Workload& workload, const std::vector<double>& peaks) {
  const Inputs& in = workload.inputs;
  fmt::print("workload {}: {} tokens", workload.name, in.length());
  if (in.grid.known())
    fmt::print(" (grid {}x{}x{}, shots at {})", in.grid.frames, in.grid.height, in.grid.width,
               fmt::join(in.grid.shots, ","));
  fmt::print(", {} heads of {}\n", in.heads(), in.dim());
  if (!peaks.empty())
    fmt::print("FMA peak measured in this run: {:.0f} GFLOP/s on {} threads\n", highest(peaks),
               omp_get_max_threads());
}

}  // namespace

nlohmann::json to_json(const CaseResult& result) {
  nlohmann::json json{{"backend", result.backend},
                      {"device", result.device},
                      {"dtype", to_string(result.dtype)},
                      {"outcome", result.outcome},
                      {"details", result.details}};
  if (!result.reason.empty()) json["reason"] = result.reason;
  if (!result.note.empty()) json["note"] = result.note;
  for (const auto* metrics : {&result.cost, &result.fidelity, &result.transfers})
    for (const Metric& metric : *metrics) json["metrics"][metric.tag] = to_json(metric);
  return json;
}

nlohmann::json workload_record(const Workload& workload) {
  const Inputs& in = workload.inputs;
  nlohmann::json json{{"name", workload.name},
                      {"provenance", workload.provenance},
                      {"length", in.length()},
                      {"heads", in.heads()},
                      {"kv_heads", in.kv_heads()},
                      {"dim", in.dim()},
                      {"grid", {in.grid.frames, in.grid.height, in.grid.width}},
                      {"text_tokens", in.grid.text_tokens},
                      {"shots", in.grid.shots}};
  json["sha256"] = {{"q", hash_of(*in.q)}, {"k", hash_of(*in.k)}, {"v", hash_of(*in.v)}};
  return json;
}

nlohmann::json run_record(const RunOptions& options, const Workload& workload,
                          const std::vector<Case>& cases, const std::vector<double>& peaks) {
  nlohmann::json json{{"schema_version", kSchemaVersion},
                      {"tool", "vidattn run"},
                      {"arguments", options.arguments},
                      {"interrupted", interrupted()},
                      {"repeat", options.repeat},
                      {"densities", options.densities},
                      {"steps", options.steps},
                      {"layers", options.layers},
                      {"environment", environment()},
                      {"fma_peak_gflops", peaks},
                      {"devices", device_facts(options.devices)}};
  measure_limits(json["environment"]);
  json["workload"] = workload_record(workload);
  for (const Case& c : cases) json["cases"].push_back(to_json(c.result));
  return json;
}

void print_report(const Workload& workload, const std::vector<Case>& cases,
                  const std::vector<double>& peaks) {
  print_workload(workload, peaks);
  print_table(cases, &CaseResult::cost);
  print_table(cases, &CaseResult::fidelity);
  print_table(cases, &CaseResult::transfers);
  print_reasons(cases);
}

}  // namespace vidattn
