#include "harness/store/export.h"

#include <fmt/format.h>

#include <fstream>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "vidattn runs";

bool known_version(const std::string& version) {
  return version == kRecordVersion || version == "1.0";
}

}  // namespace

json to_json(const StoredRun& run) {
  json j{{"uid", run.uid},
         {"suite", run.suite},
         {"started", run.started},
         {"finished", run.finished},
         {"revision", run.revision},
         {"machine_key", run.machine_key},
         {"arguments", run.arguments},
         {"environment", run.environment},
         {"definition", run.definition},
         {"preflight", run.preflight},
         {"cases", json::array()}};
  for (const Measurement& c : run.cases) j["cases"].push_back(to_json(c));
  return j;
}

StoredRun run_from_json(const json& j) {
  StoredRun run;
  run.uid = j.at("uid");
  run.suite = j.at("suite");
  run.started = j.at("started");
  run.finished = j.at("finished");
  run.revision = j.at("revision");
  run.machine_key = j.at("machine_key");
  run.arguments = j.at("arguments").get<std::vector<std::string>>();
  run.environment = j.at("environment");
  run.definition = j.at("definition");
  run.preflight = j.at("preflight");
  for (const json& c : j.at("cases")) run.cases.push_back(measurement_from_json(c));
  run.case_count = static_cast<int64_t>(run.cases.size());
  return run;
}

json export_runs(const std::vector<StoredRun>& runs) {
  json j{{"format", kFormat}, {"schema_version", kRecordVersion}, {"runs", json::array()}};
  for (const StoredRun& run : runs) j["runs"].push_back(to_json(run));
  return j;
}

std::vector<StoredRun> read_export(const std::string& path) {
  const std::string name = InputFile(path).name();
  std::ifstream in(path);
  try {
    const json j = json::parse(in);
    if (j.at("format") != kFormat || !known_version(j.at("schema_version")))
      throw InputError(
          fmt::format("{}: not of format '{}' 1.0 or {}", name, kFormat, kRecordVersion));
    std::vector<StoredRun> runs;
    for (const json& run : j.at("runs")) runs.push_back(run_from_json(run));
    return runs;
  } catch (const json::exception& error) {
    throw InputError(
        fmt::format("{}: not what `vidattn export` writes: {}", name, json_fault(error)));
  }
}

}  // namespace vidattn
