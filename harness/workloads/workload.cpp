#include "harness/workloads/workload.h"

#include "attention/error.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/io/text/console.h"
#include "harness/workloads/kind.h"

namespace vidattn {

namespace {

Workload make_with_progress(WorkloadRequest request) {
  ShareProgress progress("building the workload");
  request.progress = [&](double share) { progress.update(share); };
  return make_workload(request);
}

/// Throws InputError for masks that the kind cannot have.
void check_masks(const WorkloadRequest& request, const WorkloadKind& kind) {
  if (request.masks.empty()) return;
  const std::string name = request.masks.substr(0, request.masks.find(':'));
  if (kind.masks == nullptr)
    throw InputError("--masks: nothing knows who is in the workload " + request.spec +
                     "; the film and videos have masks");
  if (name != kind.masks || (name != "persons" && name != request.masks))
    throw InputError("--masks " + in_quotes(request.masks) + ": of this workload it is " +
                     kind.masks + (kind.masks == std::string("persons") ? "[:FILE]" : ""));
}

}  // namespace

Workload make_workload(const WorkloadRequest& request) {
  const WorkloadKind& kind = find_workload_kind(request.spec);
  check_masks(request, kind);
  Workload workload = kind.make(request);
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
