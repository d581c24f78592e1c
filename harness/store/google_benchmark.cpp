#include "harness/store/google_benchmark.h"

#include <algorithm>

#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

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

json benchmark_entry(const Measurement& c, size_t family) {
  return {{"name", c.key()},         {"run_name", c.key()},
          {"family_index", family},  {"per_family_instance_index", 0},
          {"run_type", "iteration"}, {"threads", std::max(1, c.process.threads)}};
}

}  // namespace

json google_benchmark_json(const StoredRun& run) {
  constexpr double kNanoseconds = 1e9;
  json list = json::array(), untimed = json::object();
  for (size_t i = 0; i < run.cases.size(); ++i) {
    const Measurement& c = run.cases[i];
    if (!c.timed() || !c.passed()) {
      untimed[c.key()] = to_string(c.outcome) + ": " + c.reason;
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
