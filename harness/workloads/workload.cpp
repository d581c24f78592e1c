#include "harness/workloads/workload.h"

#include "harness/host/progress.h"
#include "harness/io/text/console.h"
#include "harness/workloads/kind.h"

namespace vidattn {

namespace {

Workload make_with_progress(WorkloadRequest request) {
  constexpr int64_t kSteps = 1000;
  Progress progress("building the workload", kSteps);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * kSteps)); };
  return make_workload(request);
}

}  // namespace

Workload make_workload(const WorkloadRequest& request) {
  Workload workload = find_workload_kind(request.spec).make(request);
  if (request.scale != 0) {
    workload.inputs.scale = request.scale;
    workload.inputs.validate();
  }
  if (workload.inputs.scale != 0) workload.provenance["softmax_scale"] = workload.inputs.scale;
  if (!workload.notes.empty()) workload.provenance["notes"] = workload.notes;
  return workload;
}

Workload build_workload(WorkloadRequest request) {
  Workload workload = make_with_progress(std::move(request));
  for (const std::string& note : workload.notes) print_err("{}\n", note);
  return workload;
}

}  // namespace vidattn
