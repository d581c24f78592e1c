#include "harness/workloads/kind.h"

#include <algorithm>
#include <utility>

#include "attention/error.h"
#include "attention/nearest.h"

namespace vidattn {
namespace {

std::vector<WorkloadKind>& registry() {
  static std::vector<WorkloadKind> kinds;
  return kinds;
}

}  // namespace

std::string WorkloadKind::usage() const {
  if (argument.empty()) return name;
  return bare ? name + "[:" + argument + "]" : name + ":" + argument;
}

bool WorkloadKind::takes(const std::string& spec) const {
  if (argument.empty()) return spec == name;
  return spec.starts_with(name + ":") || (bare && (spec == name || spec.starts_with(name + "@")));
}

bool WorkloadKind::opens_file(const std::string& spec) const {
  return !argument.empty() && (carried == nullptr || !carried(spec));
}

RegisterWorkload::RegisterWorkload(WorkloadKind kind) {
  auto& kinds = registry();
  const auto after = std::find_if(kinds.begin(), kinds.end(), [&](const WorkloadKind& other) {
    return kind.name < other.name;
  });
  kinds.insert(after, std::move(kind));
}

const std::vector<WorkloadKind>& workload_kinds() { return registry(); }

std::string workload_usages(const std::string& separator) {
  std::string text;
  for (const WorkloadKind& kind : workload_kinds())
    text += (text.empty() ? "" : separator) + kind.usage();
  return text;
}

const WorkloadKind& find_workload_kind(const std::string& spec) {
  for (const WorkloadKind& kind : workload_kinds())
    if (kind.takes(spec)) return kind;
  std::vector<std::string> names;
  for (const WorkloadKind& kind : workload_kinds()) names.push_back(kind.name);
  throw InputError("unknown workload '" + spec + "': known are " + workload_usages(", ") +
                   did_you_mean(spec.substr(0, spec.find(':')), names));
}

}  // namespace vidattn
