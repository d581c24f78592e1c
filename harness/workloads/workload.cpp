#include "harness/workloads/workload.h"

#include "harness/host/progress.h"
#include "harness/workloads/kind.h"

namespace vidattn {

Workload make_workload(const WorkloadRequest& request) {
  return find_workload_kind(request.spec).make(request);
}

Workload build_workload(WorkloadRequest request) {
  constexpr int64_t kSteps = 1000;
  Progress progress("building the workload", kSteps);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * kSteps)); };
  return make_workload(request);
}

}  // namespace vidattn
