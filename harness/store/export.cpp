#include "harness/store/export.h"

#include <fmt/format.h>

#include <fstream>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "vidattn runs";
constexpr const char* kVersion = "1.0";

template <class T>
json optional(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json to_json(const Block& b) {
  return {{"block", b.index},
          {"plan_seconds", b.plan_seconds},
          {"run_seconds", b.run_seconds},
          {"dense_seconds", number_or_null(b.dense_seconds)},
          {"peak_flops", number_or_null(b.peak_flops)},
          {"position", b.position},
          {"dense_position", b.dense_position},
          {"outlier", b.outlier}};
}

Block block_from_json(const json& j) {
  return {j.at("block"),
          j.at("plan_seconds"),
          j.at("run_seconds"),
          number_or_nan(j.at("dense_seconds")),
          number_or_nan(j.at("peak_flops")),
          j.at("position"),
          j.at("dense_position"),
          j.at("outlier")};
}

json benchmark_context(const StoredRun& run) {
  const json machine = run.environment.value("machine", json::object());
  const json state = run.environment.value("state", json::object());
  const auto known = [](const json& part, const char* key, json otherwise) {
    const json value = part.value(key, json(nullptr));
    return value.is_null() ? otherwise : value;
  };
  return {{"date", run.started},
          {"host_name", run.machine_key},
          {"executable", "vidattn"},
          {"num_cpus", known(machine, "logical_cores", 1)},
          {"mhz_per_cpu", known(state, "frequency_mhz", 0)},
          {"cpu_scaling_enabled", known(state, "governor", "performance") != "performance"},
          {"caches", json::array()},
          {"load_avg", known(state, "load_average", json::array())},
          {"library_build_type", "release"},
          {"vidattn_run", run.uid},
          {"vidattn_revision", run.revision},
          {"vidattn_note", "cpu_time repeats real_time"}};
}

json benchmark_entry(const StoredCase& c, size_t family) {
  return {{"name", c.key},           {"run_name", c.key},
          {"family_index", family},  {"per_family_instance_index", 0},
          {"run_type", "iteration"}, {"threads", c.details.value("threads", 1)}};
}

}  // namespace

json to_json(const StoredCase& c) {
  json j{{"key", c.key},
         {"workload", c.workload},
         {"backend", c.backend},
         {"device", c.device},
         {"dtype", c.dtype},
         {"density", optional(c.density)},
         {"outcome", to_string(c.outcome)},
         {"reason", c.reason},
         {"note", c.note},
         {"command", c.command},
         {"process", c.process},
         {"started", c.started},
         {"seconds", c.seconds},
         {"peak_bytes", optional(c.peak_bytes)},
         {"metrics", json::object()},
         {"blocks", json::array()},
         {"details", c.details}};
  for (const auto& [tag, m] : c.metrics)
    j["metrics"][tag] = {
        {"unit", m.unit}, {"value", number_or_null(m.value)}, {"reason", m.reason}};
  for (const Block& b : c.blocks) j["blocks"].push_back(to_json(b));
  return j;
}

StoredCase case_from_json(const json& j) {
  StoredCase c;
  c.key = j.at("key");
  c.workload = j.at("workload");
  c.backend = j.at("backend");
  c.device = j.at("device");
  c.dtype = j.at("dtype");
  if (!j.at("density").is_null()) c.density = j["density"].get<double>();
  c.outcome = parse_outcome(j.at("outcome"));
  c.reason = j.at("reason");
  c.note = j.at("note");
  c.command = j.at("command");
  c.process = j.at("process");
  c.started = j.at("started");
  c.seconds = j.at("seconds");
  if (!j.at("peak_bytes").is_null()) c.peak_bytes = j["peak_bytes"].get<int64_t>();
  for (const auto& [tag, m] : j.at("metrics").items())
    c.metrics[tag] = {m.at("unit"), number_or_nan(m.at("value")), m.at("reason")};
  for (const json& b : j.at("blocks")) c.blocks.push_back(block_from_json(b));
  c.details = j.at("details");
  return c;
}

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
  for (const StoredCase& c : run.cases) j["cases"].push_back(to_json(c));
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
  for (const json& c : j.at("cases")) run.cases.push_back(case_from_json(c));
  run.case_count = static_cast<int64_t>(run.cases.size());
  return run;
}

json export_runs(const std::vector<StoredRun>& runs) {
  json j{{"format", kFormat}, {"schema_version", kVersion}, {"runs", json::array()}};
  for (const StoredRun& run : runs) j["runs"].push_back(to_json(run));
  return j;
}

std::vector<StoredRun> read_export(const std::string& path) {
  const std::string name = InputFile(path).name();
  std::ifstream in(path);
  try {
    const json j = json::parse(in);
    if (j.at("format") != kFormat || j.at("schema_version") != kVersion)
      throw InputError(fmt::format("{}: not of format '{}' {}", name, kFormat, kVersion));
    std::vector<StoredRun> runs;
    for (const json& run : j.at("runs")) runs.push_back(run_from_json(run));
    return runs;
  } catch (const json::exception& error) {
    throw InputError(
        fmt::format("{}: not what `vidattn export` writes: {}", name, json_fault(error)));
  }
}

json google_benchmark_json(const StoredRun& run) {
  constexpr double kNanoseconds = 1e9;
  json list = json::array(), untimed = json::object();
  for (size_t i = 0; i < run.cases.size(); ++i) {
    const StoredCase& c = run.cases[i];
    if (!c.timed() || c.outcome != Outcome::passed) {
      untimed[c.key] = to_string(c.outcome) + ": " + c.reason;
      continue;
    }
    for (const Block& b : c.blocks) {
      json entry = benchmark_entry(c, i);
      entry["repetitions"] = c.blocks.size();
      entry["repetition_index"] = b.index;
      entry["iterations"] = 1;
      entry["real_time"] = entry["cpu_time"] = kNanoseconds * b.seconds();
      entry["time_unit"] = "ns";
      entry["density"] = c.metric("density");
      entry["ratio_to_full"] = number_or_null(b.ratio());
      list.push_back(std::move(entry));
    }
  }
  json context = benchmark_context(run);
  context["vidattn_untimed"] = std::move(untimed);
  return {{"context", std::move(context)}, {"benchmarks", std::move(list)}};
}

}  // namespace vidattn
