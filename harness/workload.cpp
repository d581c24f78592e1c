#include "harness/workload.h"

#include "attention/error.h"
#include "harness/tensors.h"
#include "harness/video_workload.h"

namespace vidattn {

Workload make_workload(const WorkloadRequest& request) {
  if (request.spec == "film") return film_workload(request);
  if (request.spec.rfind("video:", 0) == 0) return video_workload(request);
  if (request.spec.rfind("tensors:", 0) == 0) return tensors_workload(request);
  throw InputError("unknown workload '" + request.spec +
                   "': known are film, video:FILE, tensors:PATH");
}

}  // namespace vidattn
