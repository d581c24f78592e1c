#pragma once

#include <string>
#include <vector>

#include "attention/dtype.h"
#include "harness/distributed/ranks/communicator.h"
#include "harness/host/exit_code.h"
#include "harness/measure/record/pass.h"
#include "harness/workloads/request.h"

namespace vidattn {

struct DistributedRun {
  std::string layout;  ///< ulysses, ring, PxQ
  WorkloadRequest workload;
  std::vector<std::string> backends;
  /// Each method but `full` is set to each of these, as the first rank solves for them; empty = as
  /// given. Not with `shared_only`, where no rank has what it solves on.
  std::vector<double> densities;
  std::vector<std::string> devices;
  std::vector<DType> dtypes;
  Pass pass = Pass::forward;  ///< what is timed
  int repeat = 5;             ///< timed runs of each
  /// Without one process beside, for calls that a rank cannot hold.
  bool shared_only = false;
  double patience = 10;                ///< seconds that a rank may be silent
  std::string out;                     ///< JSON file, kept after every case; empty = none
  std::vector<std::string> arguments;  ///< for the record
};

/// Every backend on one workload that the ranks share, against one process on the same cores:
/// checked first (the same bits under Ulysses, within 2e-6 or the dtype's rounding under a ring;
/// gradients of a ring within four times that), then timed. Rank 0 prints and writes. 1 where a
/// result differs.
ExitCode run_distributed(const DistributedRun& run);

/// The same on these ranks.
ExitCode run_distributed(const DistributedRun& run, Communicator& world);

}  // namespace vidattn
