#include "harness/suites/fitting_files.h"

#include <optional>

#include "attention/error.h"
#include "harness/measure/backend_spec.h"
#include "harness/workloads/mask_file.h"
#include "harness/workloads/workload.h"

namespace vidattn {
namespace {

std::vector<BackendSpec> that_read_files(const std::vector<std::string>& backends) {
  std::vector<BackendSpec> found;
  for (const std::string& text : backends)
    if (BackendSpec spec = parse_backend(text); reads_file(*spec.backend))
      found.push_back(std::move(spec));
  return found;
}

/// Why a spec's file does not fit the call; empty = it does.
std::string misfit(const BackendSpec& spec, Inputs in) {
  try {
    add_file_inputs(*spec.backend, spec.params, in);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// Empty where the call itself cannot be read, which is said when it is measured.
std::optional<Inputs> inputs_of(const WorkloadRequest& request) {
  try {
    return make_workload(request).inputs;
  } catch (const InputError&) {
    return {};
  }
}

}  // namespace

void require_fitting_files(const std::vector<std::string>& backends,
                           const std::vector<std::vector<WorkloadRequest>>& runs) {
  std::vector<BackendSpec> left = that_read_files(backends);
  std::string reason;
  for (const std::vector<WorkloadRequest>& steps : runs) {
    if (left.empty()) return;
    const std::optional<Inputs> in = inputs_of(steps.front());
    if (!in) continue;
    std::erase_if(left, [&](const BackendSpec& spec) {
      std::string why = misfit(spec, *in);
      if (why.empty()) return true;
      if (reason.empty()) reason = std::move(why);
      return false;
    });
  }
  if (!left.empty() && !reason.empty()) throw InputError(reason);
}

}  // namespace vidattn
