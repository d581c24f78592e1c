#include "harness/report/labels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/measure/backend_spec.h"

namespace vidattn {
namespace {

/// Place of a workload among those known; adds a new one. -1 for none.
int64_t place_of(const std::optional<WorkloadFacts>& workload, const std::string& name,
                 CaseLabels& known) {
  if (!workload) return -1;
  for (size_t i = 0; i < known.workloads.size(); ++i)
    if (known.workloads[i] == *workload && known.names[i] == name) return static_cast<int64_t>(i);
  known.workloads.push_back(*workload);
  known.names.push_back(name);
  return std::ssize(known.workloads) - 1;
}

std::string shape_of(const WorkloadFacts& w) {
  return w.grid[0] > 0 ? fmt::format("{}", fmt::join(w.grid, "x"))
                       : fmt::format("{} tokens", w.length);
}

/// The workloads' names; with the shape where another has the same, and a number where it has that,
/// too.
std::vector<std::string> telling_names(const CaseLabels& known) {
  std::vector<std::string> names = known.names;
  const auto add_where_shared = [&](const auto& text_of) {
    const std::vector<std::string> before = names;
    for (size_t i = 0; i < names.size(); ++i)
      if (std::count(before.begin(), before.end(), before[i]) > 1) names[i] += text_of(i);
  };
  add_where_shared([&](size_t i) { return ", " + shape_of(known.workloads[i]); });
  add_where_shared([](size_t i) { return fmt::format(", number {}", i + 1); });
  return names;
}

std::string kind_of(const Measurement& m) { return m.identity.device + " " + m.identity.dtype; }

bool of_several_kinds(const std::vector<StoredRun>& runs) {
  const Measurement* first = nullptr;
  for (const StoredRun& run : runs)
    for (const Measurement& m : run.cases) {
      if (first == nullptr) first = &m;
      if (kind_of(m) != kind_of(*first)) return true;
    }
  return false;
}

using Texts = std::vector<std::string>;

void add_new(Texts& texts, const std::string& text) {
  if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end())
    texts.push_back(text);
}

std::string day_of(const StoredRun& run) {
  constexpr size_t kDay = 10;  // of 2026-01-31T…
  const bool told = !run.started.empty() || run.cases.empty();
  return (told ? run.started : run.cases.front().process.started).substr(0, kDay);
}

std::string machine_of(const StoredRun& run) {
  const JsonReader machine = JsonReader(run.environment).maybe("machine");
  const auto cpu = machine.maybe("cpu").get_or<std::string>("");
  const auto cores = machine.maybe("logical_cores").get_or<int64_t>(0);
  return cpu + (cores > 0 ? fmt::format(" ({} cores)", cores) : "");
}

/// The texts, or only their number where they are more than a line holds.
std::string listed(const Texts& texts, const char* what) {
  constexpr size_t kMost = 2;
  return texts.size() > kMost ? fmt::format("{} {}", texts.size(), what)
                              : fmt::format("{}", fmt::join(texts, " and "));
}

}  // namespace

std::vector<std::string> workload_names(const std::vector<StoredRun>& runs) {
  std::vector<std::string> names;
  for (const StoredRun& run : runs)
    for (const Measurement& m : run.cases)
      names.push_back(m.workload ? m.workload->name : m.identity.workload);
  return names;
}

std::string title_line(const std::vector<StoredRun>& runs, const std::vector<std::string>& names) {
  Texts workloads, machines, days, revisions;
  for (const std::string& name : names) add_new(workloads, name);
  for (const StoredRun& run : runs) {
    add_new(machines, machine_of(run));
    add_new(days, day_of(run));
    add_new(revisions, run.revision);
  }
  Texts parts;
  add_new(parts, listed(workloads, "workloads"));
  add_new(parts, listed(machines, "machines"));
  add_new(parts, listed(days, "days"));
  if (!revisions.empty()) parts.push_back("revision " + listed(revisions, "of them"));
  return fmt::format("{}", fmt::join(parts, " · "));
}

CaseLabels label_cases(const std::vector<StoredRun>& runs,
                       const std::vector<std::string>& workloads) {
  CaseLabels all;
  for (const StoredRun& run : runs)
    for (const Measurement& m : run.cases)
      all.workload_index.push_back(place_of(m.workload, workloads[all.workload_index.size()], all));
  const bool kinds = of_several_kinds(runs);
  const std::vector<std::string> telling = telling_names(all);
  for (size_t r = 0; r < runs.size(); ++r)
    for (const Measurement& m : runs[r].cases) {
      std::string text = kinds ? case_name(m) : short_setting(m.setting);
      const size_t at = all.labels.size();
      const int64_t index = all.workload_index[at];
      if (all.workloads.size() > 1)
        text += fmt::format(" ({})", index < 0 ? workloads[at] : telling[index]);
      if (runs.size() > 1) text += fmt::format(" (run {})", r + 1);
      all.labels.push_back(text);
    }
  return all;
}

}  // namespace vidattn
