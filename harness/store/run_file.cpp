#include "harness/store/run_file.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/host/command_line.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/one_line.h"
#include "harness/measure/record/over_steps.h"
#include "harness/store/aggregates/over_calls_json.h"
#include "harness/store/aggregates/over_steps_json.h"
#include "harness/store/export.h"
#include "harness/store/measurement_json.h"
#include "harness/store/old_run_file.h"
#include "harness/store/store.h"

namespace vidattn {
namespace {

using nlohmann::json;
constexpr std::string_view kScheme = "run:";

StoredRun the_one_run(const JsonReader& file) {
  std::vector<StoredRun> runs = runs_from_json(file);
  if (runs.size() != 1) file.refuse(fmt::format("it holds {} runs, expected one", runs.size()));
  return std::move(runs[0]);
}

StoredRun read_file(const std::string& path) {
  const json value = read_json(path);
  const JsonReader file(value, in_quotes(path));
  if (!file.maybe("format").is_null()) return the_one_run(file);
  if (file.maybe("cases").is_null())
    file.refuse("no file of `vidattn run --out` or of `vidattn export`");
  StoredRun stored = main_job_from_record(file).run;
  stored.uid = one_line(std::filesystem::path(path).filename().string());
  return stored;
}

/// What all cases share stands once in the record.
void add_cases(const MainJob& job, json& record) {
  const bool several = of_several_calls(job.run.cases);
  json& cases = record["cases"] = json::array();
  for (const Measurement& m : job.run.cases) {
    cases.push_back(to_json(m));
    if (!several) cases.back()["details"].erase("workload");
  }
  if (several)
    for (const OverCalls& over : over_calls(job.run.cases))
      record["over_calls"].push_back(to_json(over));
  for (const OverSteps& over : over_steps(job.run.cases))
    record["over_steps"].push_back(to_json(over));
  for (const Unreadable& call : job.unreadable)
    record["unreadable"].push_back({{"source", call.source}, {"reason", call.reason}});
}

Measurement case_of(const JsonReader& record, const JsonReader& test) {
  const auto version = record.maybe("schema_version").get_or(std::string());
  if (!has_one_shape(version)) return old_case(record, test);
  Measurement m = measurement_from_json(test);
  if (!m.workload) m.workload = workload_facts_from_json(record.at("workload"));
  return m;
}

}  // namespace

json main_job_record(const MainJob& job) {
  json j{{"schema_version", kRecordVersion},
         {"tool", "vidattn " + command_name(job.run.arguments)},
         {"arguments", job.run.arguments},
         {"started", job.run.started},
         {"interrupted", job.interrupted},
         {"repeat", job.repeat},
         {"densities", job.densities},
         {"steps", job.steps},
         {"layers", job.layers},
         {"environment", job.run.environment},
         {"preflight", to_json(job.run.preflight)},
         {"fma_peak_gflops", job.fma_peak_gflops},
         {"devices", job.devices},
         {"workload", to_json(job.workload)}};
  add_cases(job, j);
  return j;
}

MainJob main_job_from_record(const JsonReader& record) {
  MainJob job;
  StoredRun& run = job.run;
  run.arguments = arguments_from_json(record.at("arguments"));
  run.suite = one_line(command_name(run.arguments));
  if (const JsonReader started = record.maybe("started"); !started.is_null())
    run.started = started.line();
  set_environment(run, record.at("environment"));
  run.preflight = preflight_from_json(record.maybe("preflight"));
  for (const JsonReader& test : record.at("cases").items())
    run.cases.push_back(case_of(record, test));
  run.case_count = static_cast<int64_t>(run.cases.size());
  job.workload = workload_facts_from_json(record.at("workload"));
  for (const JsonReader& call : record.maybe("unreadable").items())
    job.unreadable.push_back({call.at("source").line(), call.at("reason").line()});
  record.read_if("interrupted", job.interrupted);
  record.read_if("repeat", job.repeat);
  record.read_if("steps", job.steps);
  record.read_if("layers", job.layers);
  record.read_if("densities", job.densities);
  record.read_if("fma_peak_gflops", job.fma_peak_gflops);
  job.devices = record.maybe("devices").value();
  return job;
}

bool names_run(const std::string& text) {
  return text.ends_with(".json") || text.starts_with(kScheme);
}

StoredRun read_run(const std::string& text, const std::string& db) {
  if (text.ends_with(".json")) return read_file(text);
  if (text.starts_with(kScheme))
    return Store(db.empty() ? kDefaultStore : db).load_run(text.substr(kScheme.size()));
  throw InputError(fmt::format("{} names no run: expected FILE.json or run:NAME", in_quotes(text)));
}

}  // namespace vidattn
