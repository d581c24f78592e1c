#include "harness/report/calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "harness/io/json_file.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/over_calls.h"
#include "harness/report/aggregates/calls_table.h"
#include "harness/report/labels.h"

namespace vidattn {
namespace {

using nlohmann::json;

/// The model's numbers of the first `count` heads of a call.
std::vector<int64_t> model_heads(const CallFacts& call, size_t count) {
  std::vector<int64_t> heads(count);
  for (size_t i = 0; i < count; ++i) heads[i] = call.head(i);
  return heads;
}

/// Means of the values that all calls have for their heads; nothing where their heads differ.
template <class Values>
std::vector<double> mean_of_heads(const std::vector<const Measurement*>& cases, Values values_of) {
  std::vector<double> sums;
  std::vector<int64_t> heads;
  double count = 0;
  for (const Measurement* c : cases) {
    if (!c->passed() || c->call() == nullptr) continue;
    const std::vector<double>& values = values_of(*c);
    if (count == 0) {
      heads = model_heads(*c->call(), values.size());
      sums.resize(values.size());
    }
    if (model_heads(*c->call(), values.size()) != heads) return {};
    for (size_t i = 0; i < values.size(); ++i) sums[i] += values[i];
    ++count;
  }
  for (double& sum : sums) sum /= count;
  return sums;
}

/// Stages by name, in their first order; seconds are means over the calls.
std::vector<PlanFacts::Stage> mean_stages(const std::vector<const Measurement*>& cases) {
  std::vector<PlanFacts::Stage> stages;
  double count = 0;
  for (const Measurement* c : cases) count += c->passed();
  for (const Measurement* c : cases)
    for (const PlanFacts::Stage& stage : c->plan.stages) {
      if (!c->passed()) continue;
      auto found = std::find_if(stages.begin(), stages.end(),
                                [&](const auto& other) { return other.name == stage.name; });
      if (found == stages.end()) found = stages.insert(stages.end(), {stage.name});
      found->seconds += stage.seconds / count;
    }
  return stages;
}

bool has_heat(const Measurement& c) {
  return c.passed() && !c.is_full() && !c.per_head.empty() && c.call() != nullptr;
}

/// The method as asked for, its density, and where and in which type it ran.
std::string group_name(const Measurement& c, bool several_devices) {
  std::string name = short_setting(c.identity.backend);
  if (c.identity.density) name += fmt::format(" at density {:.4g}", *c.identity.density);
  if (several_devices) name += fmt::format(", {} {}", c.identity.device, c.identity.dtype);
  return name;
}

}  // namespace

json short_numbers(const std::vector<double>& values) {
  json numbers = json::array();
  for (const double value : values)
    numbers.push_back(std::isfinite(value) ? json(std::stod(fmt::format("{:.4g}", value)))
                                           : json());
  return numbers;
}

ShownRun mean_over_calls(const StoredRun& run) {
  ShownRun shown{run, {}, {}};
  if (!of_several_calls(run.cases)) {
    for (const Measurement& c : run.cases) shown.missed.push_back(c.missed_density());
    shown.workloads = workload_names({run});
    return shown;
  }
  shown.run.cases.clear();
  for (const OverCalls& over : over_calls(run.cases)) {
    std::vector<const Measurement*> cases;
    for (const size_t i : over.members) cases.push_back(&run.cases[i]);
    Measurement& m = shown.run.cases.emplace_back(over.mean);
    const Measurement& first = *cases.front();
    m.setting = first.setting;
    m.workload = first.workload;
    m.identity.workload = calls_text(run.cases);
    m.command = first.command;
    m.note = fmt::format("mean of {} calls", over.passed);
    if (over.missed > 0) m.note += fmt::format(", of which {} missed the density", over.missed);
    m.plan.checksum = first.plan.checksum;  // of the call that pictures are drawn of
    m.plan.stages = mean_stages(cases);
    m.plan.density_per_head = mean_of_heads(
        cases, [](const Measurement& c) -> auto& { return c.plan.density_per_head; });
    m.per_head.recall = mean_of_heads(
        cases, [](const Measurement& c) -> auto& { return c.per_head.recall; });
    shown.missed.push_back(over.missed > 0);
  }
  shown.workloads.assign(shown.run.cases.size(), calls_text(run.cases));
  return shown;
}

void add_calls(const std::vector<StoredRun>& runs, json& data) {
  std::set<std::string> devices;
  for (const StoredRun& run : runs)
    for (const Measurement& c : run.cases)
      if (has_heat(c)) devices.insert(c.identity.device + c.identity.dtype);
  json groups = json::array(), calls = json::array();
  for (const StoredRun& run : runs)
    for (const Measurement& c : run.cases) {
      if (!has_heat(c)) continue;
      const std::string name = group_name(c, devices.size() > 1);
      const auto group = std::find_if(groups.begin(), groups.end(),
                                      [&](const json& other) { return other["name"] == name; }) -
                         groups.begin();
      if (group == std::ssize(groups)) groups.push_back({{"name", name}, {"missed", 0}});
      if (c.missed_density()) {
        groups[group]["missed"] = groups[group]["missed"].get<int64_t>() + 1;
        continue;
      }
      const CallFacts& call = *c.call();
      calls.push_back({{"group", group},
                       {"layer", known_or_null(call.layer)},
                       {"step", known_or_null(call.step)},
                       {"heads", model_heads(call, c.per_head.recall.size())},
                       {"recall", short_numbers(c.per_head.recall)}});
    }
  data["call_groups"] = std::move(groups);
  data["calls"] = std::move(calls);
}

}  // namespace vidattn
