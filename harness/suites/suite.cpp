#include "harness/suites/suite.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/json_schema.h"
#include "ready_suites.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr double kDefaultSeconds = 600;

/// A parameter's value as on the command line.
std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// "moga:num_groups=5", "moga:num_groups=20" from a backend with lists of values.
std::vector<std::string> expand_backend(const json& backend) {
  if (backend.is_string()) return {backend.get<std::string>()};
  std::vector<std::string> texts{backend["backend"].get<std::string>()};
  char separator = ':';
  for (const auto& [name, given] : backend["parameters"].items()) {
    const json values = given.is_array() ? given : json::array({given});
    std::vector<std::string> more;
    for (const std::string& text : texts)
      for (const json& value : values)
        more.push_back(text + separator + name + "=" + text_of(value));
    texts = std::move(more);
    separator = ',';
  }
  return texts;
}

WorkloadRequest workload_of(const json& j) {
  WorkloadRequest w;
  w.spec = j.value("workload", w.spec);
  if (j.contains("grid")) {
    w.frames = j["grid"][0];
    w.height = j["grid"][1];
    w.width = j["grid"][2];
  }
  w.shots = j.value("shots", w.shots);
  w.heads = j.value("heads", w.heads);
  w.dim = j.value("dim", w.dim);
  w.seed = j.value("seed", w.seed);
  w.peak = j.value("peak", w.peak);
  return w;
}

TimingOptions timing_of(const json& j) {
  TimingOptions t;
  t.seconds = j.value("seconds", t.seconds);
  t.interval = j.value("interval", t.interval);
  t.min_blocks = j.value("min_blocks", t.min_blocks);
  t.max_blocks = j.value("max_blocks", t.max_blocks);
  t.cold = j.value("cache", "warm") == "cold";
  t.seed = j.value("order_seed", t.seed);
  return t;
}

ProcessLimits limits_of(const json& j) {
  constexpr double kGibi = 1024.0 * 1024 * 1024;
  return {j.value("seconds", kDefaultSeconds),
          static_cast<int64_t>(j.value("memory_gib", 0.0) * kGibi)};
}

std::vector<std::string> backends_of(const json& definition) {
  std::vector<std::string> backends;
  for (const json& backend : definition["backends"])
    for (const std::string& text : expand_backend(backend)) backends.push_back(text);
  return backends;
}

/// The densities of a backend; one empty element means: as its parameters give it.
std::vector<std::optional<double>> densities_of(const json& definition,
                                                const std::string& backend) {
  if (!definition.contains("densities") || backend == "full") return {std::nullopt};
  std::vector<std::optional<double>> densities;
  for (const json& density : definition["densities"]) densities.emplace_back(density.get<double>());
  return densities;
}

json read_definition(const std::string& file_or_name) {
  std::string known;
  for (const auto& [name, text] : kReadySuites) {
    if (file_or_name == name) return json::parse(text);
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  if (!std::filesystem::exists(file_or_name))
    throw InputError(fmt::format("no suite {}: neither a file nor one of the ready suites {}",
                                 in_quotes(file_or_name), known));
  InputFile file(file_or_name);
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  return parse_json(text);
}

}  // namespace

Suite parse_suite(const json& definition) {
  check_schema(definition, json::parse(kSuiteSchema));
  Suite suite{
      definition["name"], definition, {}, limits_of(definition.value("limits", json::object()))};
  CaseRequest request;
  request.timing = timing_of(definition.value("timing", json::object()));
  check_timing(request.timing);
  std::set<std::string> keys;
  for (const json& workload : definition["workloads"])
    for (const json& dtype : definition.value("dtypes", json::array({"f32"})))
      for (const json& device : definition.value("devices", json::array({"cpu"})))
        for (const std::string& backend : backends_of(definition))
          for (const auto& density : densities_of(definition, backend)) {
            request.workload = workload_of(workload);
            request.dtype = parse_dtype(dtype);
            request.device = find_device(device).name();
            request.backends = {backend};
            request.density = density;
            if (!keys.insert(named_case(request, backend).key()).second)
              throw InputError("the case " + named_case(request, backend).key() +
                               " stands in it twice");
            suite.cases.push_back(request);
          }
  return suite;
}

Suite load_suite(const std::string& file_or_name) {
  try {
    return parse_suite(read_definition(file_or_name));
  } catch (const json::exception& error) {
    throw InputError(
        fmt::format("suite {}: not valid JSON: {}", in_quotes(file_or_name), json_fault(error)));
  } catch (const InputError& error) {
    const std::string message = error.what();
    if (message.rfind("no suite", 0) == 0) throw;
    throw InputError(fmt::format("suite {}: {}", in_quotes(file_or_name), message));
  }
}

}  // namespace vidattn
