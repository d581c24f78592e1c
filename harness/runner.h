#pragma once

#include <string>
#include <vector>

#include "harness/backend_spec.h"
#include "harness/metric.h"
#include "harness/workload.h"

namespace vidattn {

struct RunOptions {
  WorkloadRequest workload;
  std::vector<std::string> backends;  ///< NAME[:key=value,…]
  std::vector<std::string> devices = {"cpu"};
  std::vector<DType> dtypes = {DType::f32};
  int repeat = 3;                      ///< timed blocks; each runs every backend once
  std::string out;                     ///< JSON file; empty = none
  bool quiet = false;                  ///< no progress
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// What happened to one backend on one device in one storage type.
struct CaseResult {
  std::string backend, device;
  DType dtype = DType::f32;
  std::string outcome;           ///< passed | failed | skipped | interrupted
  std::string reason;            ///< of an outcome other than passed
  std::vector<Metric> cost;      ///< work, time and speed
  std::vector<Metric> fidelity;  ///< nearness to full attention, balance, memory
  nlohmann::json details;        ///< per head and branch figures, planning stages, timing samples
};

/// The main job: builds the workload, checks every backend against the reference device, measures
/// the passing ones in interleaved blocks, prints the table and writes options.out. Returns the
/// exit code: 0 when every case passed or was skipped with a reason, 1 when an equality check
/// failed, 130 after an interrupt (what was measured is still printed and written).
int run(const RunOptions& options);

}  // namespace vidattn
