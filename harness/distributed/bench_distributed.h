#pragma once

#include <string>

#include "harness/distributed/ranks/communicator.h"
#include "harness/measure/bench/bench.h"

namespace vidattn {

struct DistributedBench {
  BenchOptions bench;    ///< without dtypes
  std::string layout;    ///< ulysses, ring, PxQ
  double patience = 10;  ///< seconds that a rank may be silent
};

/// The lines of `bench` as calls that ranks share (run_case.h), each checked first and timed turn
/// by turn with one process on the same cores; with at least one head for each rank that heads are
/// shared over. GFLOP/s are of the whole call, planning and exchanges included, and are held
/// against the multiply-adds that all ranks reach at once. Rank 0 prints and writes. 1 where a
/// result differs.
ExitCode bench_distributed(const DistributedBench& options);

/// The same on these ranks.
ExitCode bench_distributed(const DistributedBench& options, Communicator& world);

}  // namespace vidattn
