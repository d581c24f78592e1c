#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/host/command_line.h"
#include "harness/io/json_file.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/catalogue.h"
#include "harness/measure/record/over_calls.h"
#include "harness/report/calls.h"
#include "harness/report/charts/flaws.h"
#include "harness/report/charts/marks.h"
#include "harness/report/comparisons.h"
#include "harness/report/labels.h"
#include "harness/report/left_out.h"
#include "harness/report/report.h"
#include "harness/report/run_table.h"
#include "harness/store/history.h"
#include "harness/store/measurement_json.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using nlohmann::json;

json message(const char* level, std::string text) {
  return {{"level", level}, {"text", std::move(text)}};
}

/// Outcomes that a reader must know; whether any case had so few blocks that it has no interval.
json case_messages(const StoredRun& run, size_t& fewest) {
  json found = json::array();
  for (const Measurement& c : run.cases) {
    const bool harmless = c.outcome == Outcome::skipped || c.outcome == Outcome::interrupted;
    if (!c.passed())
      found.push_back(
          message(harmless ? "warn" : "invalid",
                  fmt::format("{} {}: {}", case_name(c), to_string(c.outcome), c.reason)));
    if (c.timed()) fewest = std::min(fewest, c.blocks.size());
  }
  return found;
}

/// What a reader must know before believing a run.
json validity(const StoredRun& run) {
  size_t fewest = SIZE_MAX;
  json found = case_messages(run, fewest);
  constexpr size_t kFewestBlocks = 6;
  if (fewest < kFewestBlocks)
    found.push_back(message(
        "warn", fmt::format("only {} timed blocks: no intervals below {}", fewest, kFewestBlocks)));
  const JsonReader state = JsonReader(run.environment).maybe("state");
  const auto load = state.maybe("load_average").get<std::vector<double>>();
  if (!load.empty() && load[0] > state.maybe("threads").get_or(1) * 1.5)
    found.push_back(
        message("warn", fmt::format("load average {:.2f} when it was written", load[0])));
  for (const PreflightCheck& check : run.preflight)
    if (check.state != PreflightCheck::State::pass)
      found.push_back(
          message(check.state == PreflightCheck::State::warn ? "warn" : "invalid", check.message));
  if (found.empty()) found.push_back(message("pass", "all cases passed their checks"));
  return found;
}

/// Of a mean over calls, which has no blocks of its own.
json mean_ratio_record(const Measurement& c) {
  if (!std::isfinite(c.metric("ratio"))) return nullptr;
  return {{"ratio", c.metric("ratio")},
          {"low", number_or_null(c.metric("ratio_low"))},
          {"high", number_or_null(c.metric("ratio_high"))},
          {"blocks", 0}};
}

/// None where the table has no speedup.
json ratio_record(const Measurement& c) {
  if (c.is_full() || !std::isfinite(c.metric(kSpeedupTag.data()))) return nullptr;
  if (c.blocks.empty()) return mean_ratio_record(c);
  const std::vector<double> logs = log_ratios(c.blocks);
  if (logs.empty()) return nullptr;
  const RatioEstimate e = estimate_ratio(logs);
  const bool known = std::isfinite(e.interval.high);
  return {{"ratio", std::exp(e.log_ratio)},
          {"low", known ? json(std::exp(e.interval.low)) : json()},
          {"high", known ? json(std::exp(e.interval.high)) : json()},
          {"blocks", e.blocks}};
}

/// FLOPs for each byte of the least traffic: q and o of all heads, k and v of theirs, and the
/// plan's index, each once. NaN without sizes.
double intensity(const Measurement& c) {
  if (!c.workload || c.workload->length == 0) return NAN;
  const WorkloadFacts& w = *c.workload;
  const double index = c.metric("index_memory");
  const double element = c.identity.dtype == "f32" ? 4 : 2;
  const int64_t values =
      (w.length * w.heads + w.key_count() * w.kv_heads) * (w.dim + w.value_width());
  const double tensors = element * static_cast<double>(values);
  return c.metric("attention_flops") / (tensors + (std::isfinite(index) ? index : 0));
}

/// Planning's stages and running as parts of the median times. A stage was timed in one planning
/// alone, so the stages share what the median leaves them.
json time_parts(const Measurement& c) {
  json parts = json::array();
  const double planning = c.metric("plan_time"), running = c.metric("run_time");
  if (!std::isfinite(planning) || !std::isfinite(running)) return parts;
  double told = 0;
  for (const PlanFacts::Stage& stage : c.plan.stages) told += stage.seconds;
  const double scale = told > planning ? planning / told : 1;
  for (const PlanFacts::Stage& stage : c.plan.stages)
    parts.push_back({{"name", stage.name}, {"seconds", stage.seconds * scale}});
  parts.push_back({{"name", "rest of planning"}, {"seconds", std::max(0.0, planning - told)}});
  parts.push_back({{"name", "running"}, {"seconds", running}});
  return parts;
}

/// What cases on one line differ in is their density: their setting without the knob.
std::string series_of(const CaseIdentity& id) {
  std::string name = id.backend;
  try {
    name = parse_backend(name).besides_density();
  } catch (const InputError&) {  // of another version, or of nobody
  }
  return short_setting(name) + (id.pass == Pass::forward ? "" : ", " + to_string(id.pass)) +
         (id.cold ? ", cold" : "");
}

/// What a table says of the case beside its numbers, and every chart must, too.
json flaws_of(const Measurement& c, bool missed) {
  json flaws = json::array();
  if (missed) flaws.push_back(kMissed.name);
  if (c.disturbed()) flaws.push_back(kDisturbed.name);
  const auto left_out = [&](const char* tag) { return c.metric(tag) > 0; };
  if (left_out("uncovered_tokens") || left_out("keyless_tokens") || left_out("unmentioned_text"))
    flaws.push_back(kTokensLeftOut.name);
  return flaws;
}

json case_record(const Measurement& c, const StoredRun& run) {
  json record{{"name", c.setting},
              {"method", c.setting.substr(0, c.setting.find(':'))},
              {"asked", short_setting(c.identity.backend)},
              {"set", short_setting(c.setting)},
              {"series", series_of(c.identity)},
              {"workload", c.identity.workload},
              {"device", c.identity.device},
              {"dtype", c.identity.dtype},
              {"outcome", to_string(c.outcome)},
              {"reason", c.reason},
              {"note", c.note},
              {"checksum", c.plan.checksum},
              {"command", c.command},
              {"disturbed", c.disturbed()},
              {"ratio", ratio_record(c)},
              {"metrics", json::object()},
              {"unknown", json::object()},
              {"times", time_parts(c)},
              {"heads", short_numbers(c.plan.density_per_head)},
              {"recalls", short_numbers(c.per_head.recall)},
              {"intensity", number_or_null(intensity(c))}};
  for (const auto& [tag, metric] : c.values)
    if (std::isfinite(metric.value))
      record["metrics"][tag] = metric.value;
    else
      record["unknown"][tag] = metric.reason;
  double peak = NAN;
  for (const Block& block : c.blocks) peak = std::fmax(peak, block.peak_flops);
  record["peak"] = number_or_null(peak);
  const JsonReader measured = JsonReader(run.environment).maybe("measured");
  record["bandwidth"] =
      number_or_null(1e9 * measured.maybe("memory_bandwidth_gbs").number_or_nan());
  return record;
}

json history_record(const std::vector<StoredRun>& history) {
  json record = json::array();
  for (const Series& s : find_series(history, {})) {
    if (s.points.size() < 2 || s.identity.backend == "full") continue;
    json points = json::array();
    for (const Series::Point& p : s.points)
      points.push_back(
          {{"run", p.run}, {"started", p.started}, {"revision", p.revision}, {"ratio", p.value}});
    record.push_back({{"name", s.key},
                      {"method", s.identity.backend.substr(0, s.identity.backend.find(':'))},
                      {"points", std::move(points)}});
  }
  return record;
}

/// The table's columns of metrics: what the page needs of the catalogue.
json columns_record(const std::vector<StoredRun>& runs) {
  json columns = json::array();
  const auto measured = [](const StoredRun& run) {
    return std::any_of(run.cases.begin(), run.cases.end(),
                       [](const Measurement& c) { return !c.values.empty() || !c.passed(); });
  };
  if (std::none_of(runs.begin(), runs.end(), measured)) return columns;  // ranks' times alone
  for (const MetricInfo* m : metrics_in(kPage)) {
    if (std::none_of(runs.begin(), runs.end(),
                     [&](const StoredRun& run) { return speaks_of(*m, run.cases); }))
      continue;
    columns.push_back({{"tag", m->tag},
                       {"header", m->header},
                       {"scale", m->scale},
                       {"digits", m->digits},
                       {"meaning", m->meaning},
                       {"marks_missed", m->tag == kTargetTag},
                       {"marks_disturbed", m->tag == kRealisedTag},
                       {"has_interval", m->tag == kSpeedupTag}});
  }
  return columns;
}

/// A mean over calls is no single call's setting.
void name_mean(const Measurement& mean, json& record) {
  record["set"] = record["asked"];
  record["label"] = with_target(record["asked"], mean.identity) + ", " + mean.note;
}

/// Adds the marks of the methods of cases or series.
void add_marks(json& marks, const json& of) {
  for (const json& record : of) {
    const std::string method = record["method"];
    const Mark mark = mark_of(method);
    marks[method] = {{"colour", css_colour(mark.colour)},
                     {"shape", mark.shape},
                     {"filled", mark.filled},
                     {"ceiling", is_ceiling(method)}};
  }
}

}  // namespace

json report_data(const std::vector<StoredRun>& measured, const std::vector<StoredRun>& history) {
  std::vector<StoredRun> runs;
  std::vector<bool> missed;
  std::vector<std::string> names;
  for (const StoredRun& run : measured) {
    ShownRun shown = mean_over_calls(run);
    names.insert(names.end(), shown.workloads.begin(), shown.workloads.end());
    runs.push_back(std::move(shown.run));
    missed.insert(missed.end(), shown.missed.begin(), shown.missed.end());
  }
  json data{{"title", title_line(runs, names)}, {"runs", json::array()},
            {"cases", json::array()},           {"workloads", json::array()},
            {"marks", json::object()},          {"columns", columns_record(runs)}};
  const CaseLabels labels = label_cases(runs, names);
  for (size_t i = 0; i < labels.workloads.size(); ++i) {
    json& record = data["workloads"].emplace_back(to_json(labels.workloads[i]));
    record["title"] = labels.names[i];
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    const StoredRun& run = runs[i];
    data["runs"].push_back({{"name", run.uid},
                            {"revision", run.revision},
                            {"started", run.started},
                            {"command", command_line(run.arguments)},
                            {"environment", run.environment},
                            {"validity", validity(measured[i])}});
    for (const Measurement& c : run.cases) {
      const size_t at = data["cases"].size();
      json& record = data["cases"].emplace_back(case_record(c, run));
      record["run"] = i;
      record["label"] = labels.labels[at];
      record["missed"] = static_cast<bool>(missed[at]);
      record["flaws"] = flaws_of(c, missed[at]);
      if (of_several_calls(measured[i].cases)) name_mean(c, record);
      record["workload_index"] = labels.workload_index[at];
    }
  }
  data["panels"] = panels_of(data["cases"], data["workloads"]);
  data["comparisons"] = comparisons_of(data["cases"], data["panels"]);
  data["left_out"] = left_out_of(data["cases"], data["panels"], data["comparisons"]);
  add_calls(measured, data);
  data["history"] = history_record(history);
  for (const char* of : {"cases", "history"}) add_marks(data["marks"], data[of]);
  return data;
}

}  // namespace vidattn
