#include "harness/suites/suite.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/json_schema.h"
#include "harness/measure/verify.h"
#include "ready_suites.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr double kDefaultSeconds = 600;
constexpr size_t kMostCases = 100'000;  // more are a slip, and would only fill the memory

/// A parameter's value as on the command line.
std::string text_of(const JsonReader& value) {
  return value.value().is_string() ? value.text() : value.value().dump();
}

/// "moga:num_groups=5", "moga:num_groups=20" from a backend with lists of values.
std::vector<std::string> expand_backend(const JsonReader& backend) {
  if (backend.value().is_string()) return {backend.text()};
  std::vector<std::string> texts{backend.at("backend").text()};
  char separator = ':';
  for (const auto& [name, given] : backend.at("parameters").members()) {
    const auto values = given.value().is_array() ? given.items() : std::vector{given};
    if (texts.size() * values.size() > kMostCases)
      backend.refuse(fmt::format("more than {} combinations of its parameters", kMostCases));
    std::vector<std::string> more;
    for (const std::string& text : texts)
      for (const JsonReader& value : values)
        more.push_back(text + separator + name + "=" + text_of(value));
    texts = std::move(more);
    separator = ',';
  }
  return texts;
}

WorkloadRequest workload_of(const JsonReader& j) {
  WorkloadRequest w;
  j.read_if("workload", w.spec);
  if (const JsonReader name = j.maybe("name"); !name.is_null()) w.name = name.line();
  const auto grid = j.maybe("grid").get<std::vector<int64_t>>();
  if (!grid.empty()) {
    w.frames = grid[0];
    w.height = grid[1];
    w.width = grid[2];
  }
  j.read_if("shots", w.shots);
  j.read_if("heads", w.heads);
  j.read_if("dim", w.dim);
  j.read_if("seed", w.seed);
  j.read_if("peak", w.peak);
  j.read_if("scale", w.scale);
  w.capture = read_capture_options(j.maybe("capture"));
  return w;
}

TimingOptions timing_of(const JsonReader& j) {
  TimingOptions t;
  j.read_if("seconds", t.seconds);
  j.read_if("interval", t.interval);
  j.read_if("min_blocks", t.min_blocks);
  j.read_if("max_blocks", t.max_blocks);
  t.cold = j.maybe("cache").get_or<std::string>("warm") == "cold";
  j.read_if("order_seed", t.seed);
  return t;
}

ProcessLimits limits_of(const JsonReader& j) {
  constexpr double kGibi = 1024.0 * 1024 * 1024;
  return {j.maybe("seconds").get_or(kDefaultSeconds),
          static_cast<int64_t>(j.maybe("memory_gib").get_or(0.0) * kGibi)};
}

std::vector<std::string> backends_of(const JsonReader& definition) {
  std::vector<std::string> backends;
  for (const JsonReader& backend : definition.at("backends").items())
    for (const std::string& text : expand_backend(backend)) backends.push_back(text);
  return backends;
}

/// The densities of a backend; one empty element means: as its parameters give it.
std::vector<std::optional<double>> densities_of(const std::vector<double>& all,
                                                const std::string& backend) {
  if (all.empty() || backend == "full") return {std::nullopt};
  return {all.begin(), all.end()};
}

/// A list of texts, or one text where it is not given.
std::vector<std::string> texts_of(const JsonReader& list, const char* otherwise) {
  return list.is_null() ? std::vector<std::string>{otherwise}
                        : list.get<std::vector<std::string>>();
}

json read_definition(const std::string& file_or_name) {
  std::vector<std::string> ready;
  for (const auto& [name, text] : kReadySuites) {
    if (file_or_name == name) return parse_json(text);
    ready.emplace_back(name);
  }
  if (!std::filesystem::exists(file_or_name))
    throw InputError(fmt::format("no suite {}: neither a file nor one of the ready suites {}{}",
                                 in_quotes(file_or_name), fmt::join(ready, ", "),
                                 did_you_mean(file_or_name, ready)));
  return read_json(file_or_name);
}

}  // namespace

Suite parse_suite(const json& definition) {
  check_schema(definition, parse_json(kSuiteSchema));
  const JsonReader j(definition);
  Suite suite{j.at("name").text(), definition, {}, limits_of(j.maybe("limits"))};
  CaseRequest request;
  request.timing = timing_of(j.maybe("timing"));
  request.pass = parse_pass(j.maybe("pass").get_or<std::string>("forward"));
  check_timing(request.timing);
  const std::vector<std::string> backends = backends_of(j),
                                 devices = texts_of(j.maybe("devices"), "cpu"),
                                 dtypes = texts_of(j.maybe("dtypes"), "f32");
  const auto densities = j.maybe("densities").get<std::vector<double>>();
  std::set<std::string> keys;
  for (const JsonReader& workload : j.at("workloads").items())
    for (const std::string& dtype : dtypes)
      for (const std::string& device : devices)
        for (const std::string& backend : backends)
          for (const auto& density : densities_of(densities, backend)) {
            request.workload = workload_of(workload);
            request.dtype = parse_dtype(dtype);
            request.device = find_device(device).name();
            require_pass(request.pass, find_device(device), request.dtype);
            request.backends = {backend};
            request.density = density;
            if (!keys.insert(named_case(request, backend).key()).second)
              throw InputError("the case " + named_case(request, backend).key() +
                               " stands in it twice");
            if (suite.cases.size() == kMostCases)
              throw InputError(fmt::format("more than {} cases", kMostCases));
            suite.cases.push_back(request);
          }
  return suite;
}

Suite load_suite(const std::string& file_or_name) {
  const json definition = read_definition(file_or_name);
  try {
    return parse_suite(definition);
  } catch (const InputError& error) {
    throw InputError(fmt::format("suite {}: {}", in_quotes(file_or_name), error.what()));
  }
}

}  // namespace vidattn
