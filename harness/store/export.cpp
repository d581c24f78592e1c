#include "harness/store/export.h"

#include <fmt/format.h>

#include "harness/host/environment.h"
#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "vidattn runs";

bool known_version(const std::string& version) {
  return has_one_shape(version) || version == "1.0";
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
         {"preflight", to_json(run.preflight)},
         {"cases", json::array()}};
  for (const Measurement& c : run.cases) j["cases"].push_back(to_json(c));
  return j;
}

std::vector<std::string> arguments_from_json(const JsonReader& json) {
  std::vector<std::string> arguments;
  for (const JsonReader& argument : json.items()) arguments.push_back(argument.raw_text());
  return arguments;
}

StoredRun run_from_json(const JsonReader& j) {
  StoredRun run;
  for (auto [key, text] : {std::pair{"uid", &run.uid},
                           {"suite", &run.suite},
                           {"started", &run.started},
                           {"finished", &run.finished},
                           {"revision", &run.revision},
                           {"machine_key", &run.machine_key}})
    j.read(key, *text);
  run.arguments = arguments_from_json(j.at("arguments"));
  const JsonReader environment = j.at("environment"), definition = j.at("definition");
  check_environment(environment);
  run.environment = environment.value();
  if (!definition.is_null()) run.definition = definition.object().value();
  run.preflight = preflight_from_json(j.at("preflight"));
  for (const JsonReader& c : j.at("cases").items()) run.cases.push_back(measurement_from_json(c));
  run.case_count = static_cast<int64_t>(run.cases.size());
  return run;
}

json export_runs(const std::vector<StoredRun>& runs) {
  json j{{"format", kFormat}, {"schema_version", kRecordVersion}, {"runs", json::array()}};
  for (const StoredRun& run : runs) j["runs"].push_back(to_json(run));
  return j;
}

std::vector<StoredRun> runs_from_json(const JsonReader& json) {
  if (json.maybe("format").is_null()) json.refuse("not what `vidattn export` writes");
  if (json.at("format").text() != kFormat || !known_version(json.at("schema_version").text()))
    json.refuse(fmt::format("not of format '{}' 1.0 or {}", kFormat, kRecordVersion));
  std::vector<StoredRun> runs;
  for (const JsonReader& run : json.at("runs").items()) runs.push_back(run_from_json(run));
  return runs;
}

std::vector<StoredRun> read_export(const std::string& path) {
  const json j = read_json(path);
  return runs_from_json(JsonReader(j, in_quotes(path)));
}

}  // namespace vidattn
