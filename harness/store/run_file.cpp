#include "harness/store/run_file.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/host/command_line.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/store/export.h"
#include "harness/store/measurement_json.h"
#include "harness/store/old_run_file.h"
#include "harness/store/store.h"

namespace vidattn {
namespace {

using nlohmann::json;
constexpr std::string_view kScheme = "run:";

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
    StoredRun stored = main_job_from_record(run).run;
    stored.uid = std::filesystem::path(path).filename();
    return stored;
  } catch (const json::exception& error) {
    throw InputError(fmt::format(kNoRun, file.name(), json_fault(error)));
  } catch (const std::exception& error) {
    throw InputError(fmt::format(kNoRun, file.name(), std::string_view(error.what())));
  }
}

/// What all cases share stands once in the record.
json without_workload(const Measurement& m) {
  json j = to_json(m);
  j["details"].erase("workload");
  return j;
}

Measurement case_of(const json& record, const json& test) {
  if (!record.value("schema_version", "").starts_with("2.")) return old_case(record, test);
  Measurement m = measurement_from_json(test);
  if (!m.workload) m.workload = workload_facts_from_json(record.at("workload"));
  return m;
}

}  // namespace

json main_job_record(const MainJob& job) {
  json j{{"schema_version", kRecordVersion},
         {"tool", "vidattn run"},
         {"arguments", job.run.arguments},
         {"interrupted", job.interrupted},
         {"repeat", job.repeat},
         {"densities", job.densities},
         {"steps", job.steps},
         {"layers", job.layers},
         {"environment", job.run.environment},
         {"fma_peak_gflops", job.fma_peak_gflops},
         {"devices", job.devices},
         {"workload", to_json(job.workload)},
         {"cases", json::array()}};
  for (const Measurement& m : job.run.cases) j["cases"].push_back(without_workload(m));
  return j;
}

MainJob main_job_from_record(const json& record) {
  MainJob job;
  StoredRun& run = job.run;
  run.arguments = record.at("arguments").get<std::vector<std::string>>();
  run.suite = command_name(run.arguments);
  set_environment(run, record.at("environment"));
  for (const json& test : record.at("cases")) run.cases.push_back(case_of(record, test));
  run.case_count = static_cast<int64_t>(run.cases.size());
  job.workload = workload_facts_from_json(record.at("workload"));
  job.interrupted = record.value("interrupted", false);
  job.repeat = record.value("repeat", job.repeat);
  job.steps = record.value("steps", job.steps);
  job.layers = record.value("layers", job.layers);
  job.densities = record.value("densities", job.densities);
  job.fma_peak_gflops = record.value("fma_peak_gflops", job.fma_peak_gflops);
  job.devices = record.value("devices", json());
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
