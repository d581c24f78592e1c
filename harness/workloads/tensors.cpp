#include "harness/workloads/tensors.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/capture/calls.h"
#include "harness/workloads/capture/load.h"
#include "harness/workloads/kind.h"

namespace vidattn {

namespace {
constexpr std::string_view kScheme = "tensors:";

[[noreturn]] void refuse_spec(const std::string& spec) {
  throw InputError(fmt::format("workload {} is not tensors:PATH", in_quotes(spec)));
}
}  // namespace

std::optional<CapturePath> tensors_path(const std::string& spec) {
  if (!spec.starts_with(kScheme)) return std::nullopt;
  if (spec.size() == kScheme.size()) refuse_spec(spec);
  return parse_capture_path(spec.substr(kScheme.size()));
}

std::string tensors_spec(const CapturePath& path) {
  return std::string(kScheme) + path.path.native() + (path.prefix.empty() ? "" : "#") + path.prefix;
}

Workload tensors_workload(const WorkloadRequest& request) {
  if (request.call) return load_call(*request.call, request);
  const std::optional<CapturePath> path = tensors_path(request.spec);
  if (!path) refuse_spec(request.spec);
  return load_call(choose_call(*path, request.capture), request);
}

namespace {
const RegisterWorkload registered_tensors(
    {"tensors", "PATH",
     "your q, k, v (and router_logits, hidden …): .safetensors, .npz, a folder of them or of .npy",
     false, tensors_workload});
}  // namespace

}  // namespace vidattn
