#pragma once

#include <cmath>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "harness/measure/block.h"
#include "harness/measure/engine/contender.h"

namespace vidattn {

/// Why no further block was measured.
enum class Stop {
  interval,     ///< narrow enough
  time,         ///< the budget is used up
  blocks,       ///< as many as were asked for
  interrupted,  ///< by the user
  failed,       ///< the control, or every contender
};
std::string to_string(Stop stop);  ///< as above

/// What the rounds before the first block showed.
struct WarmUp {
  int64_t rounds = 0;
  bool settled = false;  ///< the last 3 rounds of each contender lie within 5% of their median
  double seconds = 0;
  double fastest_round = INFINITY;  ///< wall time, eviction included
  double fastest_run = INFINITY;    ///< of the first contender's kernels, without planning
};

/// One case of a contender.
struct CaseTimes {
  std::vector<Block> blocks;   ///< the fastest run of each block
  std::vector<RunTimes> runs;  ///< every run of these blocks
};

struct ContenderTimes {
  std::string name;
  std::vector<CaseTimes> cases;  ///< empty before its first block
  int64_t repeat = 1;            ///< runs in a row between two readings of the clock
  std::exception_ptr failure;    ///< what a run threw; then it has no later blocks

  /// Of the only case; empty when nothing was measured.
  const std::vector<Block>& blocks() const;
  const std::vector<RunTimes>& runs() const;
};

/// All that was measured.
struct Timings {
  std::vector<ContenderTimes> contenders;  ///< in the order given
  WarmUp warm_up;
  int64_t rounds = 1;                 ///< of a block
  std::vector<double> peaks;          ///< GFLOP/s, one for each block; empty = not asked for
  std::vector<double> multiply_adds;  ///< GFLOP/s, the fastest of each block; empty = none ran
  Stop stopped = Stop::blocks;
  double seconds = 0;         ///< of all blocks
  double stolen_share = 0;    ///< of that time, by the hypervisor
  double cpus_of_others = 0;  ///< how many CPUs other programs held
  int64_t evicted_bytes = 0;  ///< before every run; 0 = caches were left warm

  /// Throws what the first contender that failed threw.
  void rethrow_failure() const;
};

}  // namespace vidattn
