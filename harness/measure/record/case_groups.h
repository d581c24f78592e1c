#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "harness/measure/record/catalogue.h"
#include "harness/measure/record/measurement.h"

namespace vidattn {

using CasePointers = std::vector<const Measurement*>;

/// The places of cases with equal keys together, in the order in which they came.
template <class KeyOf>
std::vector<std::vector<size_t>> grouped(const std::vector<size_t>& places, const KeyOf& key_of) {
  std::vector<std::vector<size_t>> groups;
  for (const size_t i : places) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return key_of(group.front()) == key_of(i);
    });
    (same == groups.end() ? groups.emplace_back() : *same).push_back(i);
  }
  return groups;
}

CasePointers at_places(const std::vector<Measurement>& cases, const std::vector<size_t>& places);

/// The mean of what cases have of a metric; nothing where none has it at all.
std::optional<MetricValue> mean_value(const CasePointers& cases, const MetricInfo& metric);

}  // namespace vidattn
