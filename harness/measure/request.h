#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/measure/timing.h"
#include "harness/workloads/workload.h"

namespace vidattn {

/// What one process measures: backends, usually one, beside full attention.
struct CaseRequest {
  WorkloadRequest workload;
  std::vector<std::string> backends;  ///< NAME[:key=value,…]
  std::string device = "cpu";
  DType dtype = DType::f32;
  Pass pass = Pass::forward;      ///< what is timed
  std::optional<double> density;  ///< solve each backend's knob for it
  TimingOptions timing;
  bool whole = false;  ///< never extrapolate full attention from a sample of its rows
};

/// `case --workload … --backend …`: arguments of the tool that reproduce the request.
std::vector<std::string> case_arguments(const CaseRequest& request);

/// The workload of an identity: its options without the first one's name.
std::string workload_text(const WorkloadRequest& request);

/// A case of the request before it ran: identity and command, its content still unknown. Throws
/// InputError for a backend that does not exist or has no such parameters.
Measurement named_case(const CaseRequest& request, const std::string& backend);

/// Checks, times and describes the request's cases in this process: each gets its outcome. A
/// backend that fails does not keep the others from being timed. Throws InputError for a workload
/// that cannot be made.
std::vector<Measurement> measure_cases(const CaseRequest& request);

}  // namespace vidattn
