#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "harness/workloads/call_facts.h"
#include "harness/workloads/request.h"

namespace vidattn {

/// Tensors to attend over, with what is needed to reproduce them.
struct Workload {
  std::string name;           ///< canonical text, valid as --workload
  Inputs inputs;              ///< float32 q, k, v; the grid; extras such as hidden
  nlohmann::json provenance;  ///< seed, sizes, sha256 of files, calibration
  /// What was done to the tensors that their owner should know, a line each; in the provenance,
  /// too.
  std::vector<std::string> notes;
  std::optional<CallFacts> call = {};  ///< of a capture
};

/// Builds the workload of request.spec. Throws InputError with one line for a spec, file or shape
/// that cannot be used.
Workload make_workload(const WorkloadRequest& request);

/// The same, showing its progress and saying its notes.
Workload build_workload(WorkloadRequest request);

}  // namespace vidattn
