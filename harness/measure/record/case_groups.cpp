#include "harness/measure/record/case_groups.h"

#include <cmath>
#include <string>

#include "metrics/statistics/paired_difference.h"

namespace vidattn {

CasePointers at_places(const std::vector<Measurement>& cases, const std::vector<size_t>& places) {
  CasePointers found;
  for (const size_t i : places) found.push_back(&cases[i]);
  return found;
}

std::optional<MetricValue> mean_value(const CasePointers& cases, const MetricInfo& metric) {
  std::vector<double> values;
  std::string reason;
  for (const Measurement* m : cases)
    if (const auto found = m->values.find(metric.tag); found != m->values.end()) {
      values.push_back(found->second.value);
      if (reason.empty()) reason = found->second.reason;
    }
  if (values.empty()) return std::nullopt;
  const double mean = mean_interval(values).mean;
  return MetricValue{metric.unit, mean, std::isnan(mean) ? reason : ""};
}

}  // namespace vidattn
