#include "harness/workloads/workload.h"

#include "attention/error.h"
#include "harness/host/progress.h"
#include "harness/workloads/tensors.h"
#include "harness/workloads/video/video_workload.h"

namespace vidattn {

Workload make_workload(const WorkloadRequest& request) {
  if (request.spec == "film") return film_workload(request);
  if (request.spec.rfind("video:", 0) == 0) return video_workload(request);
  if (request.spec.rfind("tensors:", 0) == 0) return tensors_workload(request);
  throw InputError("unknown workload '" + request.spec +
                   "': known are film, video:PATH, tensors:PATH");
}

Workload build_workload(WorkloadRequest request) {
  constexpr int64_t kSteps = 1000;
  Progress progress("building the workload", kSteps);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * kSteps)); };
  return make_workload(request);
}

}  // namespace vidattn
