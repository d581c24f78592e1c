#include "harness/store/aggregates/over_steps_json.h"

#include "harness/io/json_file.h"

namespace vidattn {

using nlohmann::json;

json to_json(const OverSteps& over) {
  json parts = json::array();
  json j = json::object();
  for (const StepPart& part : over.parts) {
    const CaseIdentity& id = part.mean.identity;
    j = {{"backend", id.backend}, {"device", id.device}, {"dtype", id.dtype}, {"density", nullptr}};
    if (id.density) j["density"] = *id.density;
    json metrics = json::object();
    for (const auto& [tag, metric] : part.mean.values)
      metrics[tag] = {{"unit", metric.unit}, {"value", number_or_null(metric.value)}};
    parts.push_back({{"part", part.name}, {"steps", part.steps}, {"metrics", std::move(metrics)}});
  }
  j["layer"] = over.layer < 0 ? json(nullptr) : json(over.layer);
  j["steps"] = over.steps;
  j["passed"] = over.passed;
  j["parts"] = std::move(parts);
  return j;
}

}  // namespace vidattn
