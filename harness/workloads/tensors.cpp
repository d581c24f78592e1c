#include "harness/workloads/tensors.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/capture/calls.h"
#include "harness/workloads/capture/load.h"
#include "harness/workloads/kind.h"

namespace vidattn {

Workload tensors_workload(const WorkloadRequest& request) {
  constexpr std::string_view kScheme = "tensors:";
  const std::string& spec = request.spec;
  if (!spec.starts_with(kScheme) || spec.size() == kScheme.size())
    throw InputError(fmt::format("workload {} is not tensors:PATH", in_quotes(spec)));
  const CapturePath path = parse_capture_path(spec.substr(kScheme.size()));
  return load_call(choose_call(path, request.capture), request);
}

namespace {
const RegisterWorkload registered_tensors(
    {"tensors", "PATH",
     "your q, k, v (and router_logits, hidden …): .safetensors, .npz, a folder of them or of .npy",
     false, tensors_workload});
}  // namespace

}  // namespace vidattn
