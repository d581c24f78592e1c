#include "harness/store/google_benchmark.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "harness/io/json_file.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr double kNanoseconds = 1e9;

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
          {"vidattn_revision", run.revision}};
}

json benchmark_entry(const Measurement& c, size_t family, const std::string& aggregate) {
  return {{"name", c.key() + aggregate},
          {"run_name", c.key()},
          {"family_index", family},
          {"per_family_instance_index", 0},
          {"repetitions", c.blocks.size()},
          {"threads", std::max(1, c.process.threads)},
          {"time_unit", "ns"}};
}

/// The CPU time of a block, or of one from before it was measured its time.
double cpu_seconds(const Block& b) {
  return std::isfinite(b.cpu_seconds) ? b.cpu_seconds : b.seconds();
}

void put_figures(json& entry, double real, double cpu, double density, double ratio) {
  entry["real_time"] = real;
  entry["cpu_time"] = cpu;
  entry["density"] = number_or_null(density);
  entry["ratio_to_full"] = number_or_null(ratio);
}

void add_repetitions(json& list, const Measurement& c, size_t family) {
  for (const Block& b : c.blocks) {
    json entry = benchmark_entry(c, family, "");
    entry["run_type"] = "iteration";
    entry["repetition_index"] = b.index;
    entry["iterations"] = 1;
    put_figures(entry, kNanoseconds * b.seconds(), kNanoseconds * cpu_seconds(b),
                c.metric("density"), b.ratio());
    list.push_back(std::move(entry));
  }
}

struct Aggregate {
  const char *name, *unit;
  double (*of)(const std::vector<double>&);
};
constexpr Aggregate kAggregates[] = {
    {"mean", "time", mean_of},
    {"median", "time", [](const std::vector<double>& values) { return median(values); }},
    {"stddev", "time", standard_deviation},
    {"cv", "percentage", [](const std::vector<double>& values) {
       const double mean = mean_of(values);
       return mean > 0 ? standard_deviation(values) / mean : 0;
     }}};

/// Those that Google Benchmark adds to repetitions; none to a single one.
void add_aggregates(json& list, const Measurement& c, size_t family) {
  if (c.blocks.size() < 2) return;
  const std::vector<double> density(c.blocks.size(), c.metric("density"));
  std::vector<double> seconds, cpu, ratios;
  for (const Block& b : c.blocks) {
    seconds.push_back(b.seconds());
    cpu.push_back(cpu_seconds(b));
    if (std::isfinite(b.ratio())) ratios.push_back(b.ratio());
  }
  for (const Aggregate& aggregate : kAggregates) {
    json entry = benchmark_entry(c, family, std::string("_") + aggregate.name);
    entry["run_type"] = "aggregate";
    entry["aggregate_name"] = aggregate.name;
    entry["aggregate_unit"] = aggregate.unit;
    entry["iterations"] = c.blocks.size();
    const double unit = std::string_view(aggregate.unit) == "time" ? kNanoseconds : 1;
    put_figures(entry, unit * aggregate.of(seconds), unit * aggregate.of(cpu),
                aggregate.of(density), ratios.size() < 2 ? NAN : aggregate.of(ratios));
    list.push_back(std::move(entry));
  }
}

bool lacks_cpu_times(const StoredRun& run) {
  const auto lacks = [](const Block& b) { return !std::isfinite(b.cpu_seconds); };
  return std::any_of(run.cases.begin(), run.cases.end(), [&](const Measurement& c) {
    return std::any_of(c.blocks.begin(), c.blocks.end(), lacks);
  });
}

}  // namespace

json google_benchmark_json(const StoredRun& run) {
  json list = json::array(), untimed = json::object();
  for (size_t i = 0; i < run.cases.size(); ++i) {
    const Measurement& c = run.cases[i];
    if (!c.timed() || !c.passed()) {
      untimed[c.key()] = to_string(c.outcome) + ": " + c.reason;
      continue;
    }
    add_repetitions(list, c, i);
    add_aggregates(list, c, i);
  }
  json context = benchmark_context(run);
  context["vidattn_untimed"] = std::move(untimed);
  if (lacks_cpu_times(run))
    context["vidattn_note"] = "cpu_time repeats real_time where the CPU time was not measured";
  return {{"context", std::move(context)}, {"benchmarks", std::move(list)}};
}

}  // namespace vidattn
