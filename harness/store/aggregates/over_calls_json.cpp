#include "harness/store/aggregates/over_calls_json.h"

#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

json speedup_record(const OverCalls& over) {
  return {{"mean", number_or_null(over.mean.metric("speedup"))},
          {"low", number_or_null(1 / over.mean.metric("ratio_high"))},
          {"high", number_or_null(1 / over.mean.metric("ratio_low"))},
          {"clusters", over.clusters},
          {"clustered_by", over.by_prompt ? "prompt" : "call"}};
}

json head_record(const HeadOverCalls& head) {
  json record{{"layer", head.layer < 0 ? json() : json(head.layer)},
              {"head", head.head},
              {"calls", head.calls},
              {"recall", number_or_null(head.recall)},
              {"relative_l2", number_or_null(head.relative_l2)},
              {"cosine", number_or_null(head.cosine)}};
  if (!head.part.empty()) record["part"] = head.part;
  return record;
}

}  // namespace

json to_json(const OverCalls& over) {
  json record = to_json(over.mean.identity);
  record.erase("workload");
  record.erase("content");
  record.update({{"calls", over.calls},
                 {"passed", over.passed},
                 {"missed_density", over.missed},
                 {"metrics", metrics_json(over.mean)},
                 {"speedup", speedup_record(over)},
                 {"mean_over_heads", over.mean_over_heads},
                 {"worst", json::object()},
                 {"worst_heads", json::array()}});
  for (const auto& [figure, worst] : over.worst)
    record["worst"][figure] = {
        {"value", worst.value}, {"head", worst.head}, {"call", to_json(worst.call)}};
  for (const HeadOverCalls& head : over.lowest) record["worst_heads"].push_back(head_record(head));
  return record;
}

}  // namespace vidattn
