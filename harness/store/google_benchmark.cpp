#include "harness/store/google_benchmark.h"

#include <algorithm>

#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

json benchmark_context(const StoredRun& run) {
  const JsonReader environment(run.environment);
  const JsonReader machine = environment.maybe("machine"), state = environment.maybe("state");
  return {{"date", run.started},
          {"host_name", run.machine_key},
          {"executable", "vidattn"},
          {"num_cpus", machine.maybe("logical_cores").get_or(1)},
          {"mhz_per_cpu", state.maybe("frequency_mhz").get_or(0.0)},
          {"cpu_scaling_enabled",
           state.maybe("governor").get_or<std::string>("performance") != "performance"},
          {"caches", json::array()},
          {"load_avg", state.maybe("load_average").get<std::vector<double>>()},
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
