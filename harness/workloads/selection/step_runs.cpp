#include "harness/workloads/selection/step_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "attention/error.h"

namespace vidattn {
namespace {

using RunPlace = std::tuple<int64_t, int64_t, std::string>;
using RunMap = std::map<RunPlace, std::vector<WorkloadRequest>>;

/// By layer and entry; by what their files are called, too, where `by_name`.
RunMap runs_by_place(const std::vector<WorkloadRequest>& calls, bool by_name) {
  RunMap runs;
  for (const WorkloadRequest& call : calls) {
    const std::string name = call.call && by_name ? without_step(call.call->text()) : "";
    runs[{layer_of_call(call), call.capture.batch_entry, name}].push_back(call);
  }
  for (auto& [place, run] : runs)
    std::stable_sort(run.begin(), run.end(), [](const auto& a, const auto& b) {
      return step_of_call(a) < step_of_call(b);
    });
  return runs;
}

/// A call whose step is that of the one before it; null = there is none.
const WorkloadRequest* twin_in(const RunMap& runs) {
  for (const auto& [place, run] : runs) {
    const auto twin = std::adjacent_find(run.begin(), run.end(), [](const auto& a, const auto& b) {
      return step_of_call(a) == step_of_call(b);
    });
    if (twin != run.end()) return &*twin;
  }
  return nullptr;
}

}  // namespace

int64_t step_of_call(const WorkloadRequest& request) {
  return request.call ? request.call->step : request.capture.step;
}

int64_t layer_of_call(const WorkloadRequest& request) {
  return request.call ? request.call->layer : request.capture.layer;
}

std::vector<std::vector<WorkloadRequest>> step_runs(const std::vector<WorkloadRequest>& calls) {
  for (const WorkloadRequest& call : calls)
    if (step_of_call(call) < 0)
      throw InputError(
          "--carry needs calls whose step is known, by their metadata or names: that of " +
          (call.call ? call.call->text() : "'" + call.spec + "'") + " is not");
  RunMap runs = runs_by_place(calls, false);
  if (twin_in(runs) != nullptr) runs = runs_by_place(calls, true);
  if (const WorkloadRequest* twin = twin_in(runs))
    throw InputError(fmt::format("--carry: several calls are of layer {} and step {}, as {}",
                                 layer_of_call(*twin), step_of_call(*twin),
                                 twin->call ? twin->call->text() : twin->spec));
  std::vector<std::vector<WorkloadRequest>> all;
  for (auto& [place, run] : runs) all.push_back(std::move(run));
  if (std::none_of(all.begin(), all.end(), [](const auto& run) { return run.size() > 1; }))
    throw InputError("--carry needs several steps of a layer");
  return all;
}

}  // namespace vidattn
