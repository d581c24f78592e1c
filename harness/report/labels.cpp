#include "harness/report/labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/measure/backend_spec.h"

namespace vidattn {
namespace {

/// Place of a workload among those known; adds a new one. -1 for none.
int64_t place_of(const std::optional<WorkloadFacts>& workload, std::vector<WorkloadFacts>& known) {
  if (!workload) return -1;
  const auto found = std::find(known.begin(), known.end(), *workload);
  const int64_t place = found - known.begin();
  if (found == known.end()) known.push_back(*workload);
  return place;
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

}  // namespace

CaseLabels label_cases(const std::vector<StoredRun>& runs) {
  CaseLabels all;
  for (const StoredRun& run : runs)
    for (const Measurement& m : run.cases)
      all.workload_index.push_back(place_of(m.workload, all.workloads));
  const bool kinds = of_several_kinds(runs);
  for (size_t r = 0; r < runs.size(); ++r)
    for (const Measurement& m : runs[r].cases) {
      std::string text = kinds ? case_name(m) : short_setting(m.setting);
      if (all.workloads.size() > 1)
        text += fmt::format(" (workload {})", all.workload_index[all.labels.size()] + 1);
      if (runs.size() > 1) text += fmt::format(" (run {})", r + 1);
      all.labels.push_back(text);
    }
  return all;
}

}  // namespace vidattn
