#include "harness/report/calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "harness/measure/backend_spec.h"

namespace vidattn {
namespace {

using nlohmann::json;

bool has_heat(const Measurement& c) {
  return c.passed() && !c.is_full() && !c.missed_density() && !c.per_head.empty() && c.workload &&
         c.workload->call;
}

/// The method as asked for, its density, and where and in which type it ran.
std::string group_name(const Measurement& c, bool several_devices) {
  std::string name = short_setting(c.identity.backend);
  if (c.identity.density) name += fmt::format(" at density {:.4g}", *c.identity.density);
  if (several_devices) name += fmt::format(", {} {}", c.identity.device, c.identity.dtype);
  return name;
}

json known_or_nothing(int64_t number) { return number < 0 ? json() : json(number); }

}  // namespace

json short_numbers(const std::vector<double>& values) {
  json numbers = json::array();
  for (const double value : values)
    numbers.push_back(std::isfinite(value) ? json(std::stod(fmt::format("{:.4g}", value)))
                                           : json());
  return numbers;
}

void add_calls(const std::vector<StoredRun>& runs, json& data) {
  std::set<std::string> devices;
  for (const StoredRun& run : runs)
    for (const Measurement& c : run.cases)
      if (has_heat(c)) devices.insert(c.identity.device + c.identity.dtype);
  std::vector<std::string> groups;
  json calls = json::array();
  for (const StoredRun& run : runs)
    for (const Measurement& c : run.cases) {
      if (!has_heat(c)) continue;
      const std::string name = group_name(c, devices.size() > 1);
      const auto group = std::find(groups.begin(), groups.end(), name) - groups.begin();
      if (group == std::ssize(groups)) groups.push_back(name);
      const CallFacts& call = *c.workload->call;
      calls.push_back({{"group", group},
                       {"layer", known_or_nothing(call.layer)},
                       {"step", known_or_nothing(call.step)},
                       {"first_head", call.first_head},
                       {"recall", short_numbers(c.per_head.recall)}});
    }
  data["call_groups"] = groups;
  data["calls"] = std::move(calls);
}

}  // namespace vidattn
