#include "harness/workloads/workload.h"

#include "harness/host/progress.h"
#include "harness/workloads/kind.h"

namespace vidattn {

Workload make_workload(const WorkloadRequest& request) {
  Workload workload = find_workload_kind(request.spec).make(request);
  if (request.scale != 0) {
    workload.inputs.scale = request.scale;
    workload.inputs.validate();
    workload.provenance["softmax_scale"] = request.scale;
  }
  return workload;
}

Workload build_workload(WorkloadRequest request) {
  constexpr int64_t kSteps = 1000;
  Progress progress("building the workload", kSteps);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * kSteps)); };
  return make_workload(request);
}

}  // namespace vidattn
