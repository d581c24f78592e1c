#include "harness/store/aggregates/over_steps_json.h"

#include "harness/store/measurement_json.h"

namespace vidattn {

using nlohmann::json;

json to_json(const OverSteps& over) {
  json record = to_json(over.identity);
  record.erase("workload");
  record.erase("content");
  record.update({{"layer", over.layer < 0 ? json() : json(over.layer)},
                 {"steps", over.steps},
                 {"passed", over.passed},
                 {"parts", json::array()}});
  for (const StepPart& part : over.parts)
    record["parts"].push_back(
        {{"part", part.name}, {"steps", part.steps}, {"metrics", metrics_json(part.mean)}});
  return record;
}

}  // namespace vidattn
