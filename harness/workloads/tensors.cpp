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

namespace {

CaptureCall call_of(const WorkloadRequest& request) {
  if (request.call) return *request.call;
  const std::optional<CapturePath> path = tensors_path(request.spec);
  if (!path) refuse_spec(request.spec);
  return choose_call(*path, request.capture);
}

}  // namespace

Workload tensors_workload(const WorkloadRequest& request) {
  return load_call(call_of(request), request);
}

namespace {

WorkloadPart tensors_part(const WorkloadRequest& request, const RowsOf& rows) {
  return load_call_part(call_of(request), request, rows);
}

const RegisterWorkload registered_tensors(
    {.name = "tensors",
     .argument = "PATH",
     .help = "your q, k, v (and router_logits, hidden …): .safetensors, .npz, a folder of them or "
             "of .npy",
     .synthesized = false,
     .make = tensors_workload,
     .make_part = tensors_part});
}  // namespace

}  // namespace vidattn
