#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/measure/case.h"

namespace vidattn {

/// How the blocks of a process are timed.
struct TimingOptions {
  double seconds = 10;     ///< budget of the timed blocks
  double interval = 0.01;  ///< stop when every ratio's 95% interval is within this share of it
  int64_t min_blocks = 11, max_blocks = 1000;
  bool cold = false;  ///< evict the caches before every timed run
  uint64_t seed = 1;  ///< of the order inside the blocks
};

/// Throws InputError when the options contradict each other.
void check_timing(const TimingOptions& options);

/// Times blocks of every passed case and `dense`, full attention on the same device and in the same
/// storage type: warm-up rounds until the times have settled, then blocks until the bootstrap
/// interval of the median ratio to `dense` is narrow enough for every case, or time or blocks are
/// used up, or an interrupt. Fills Case::blocks, plan_seconds and run_seconds. Returns the record:
/// rounds of warm-up and whether they settled, rounds of a block, cache state, seed, why it
/// stopped, the share of time stolen by the hypervisor, `cpus_of_others`: how many CPUs other
/// programs held; and on the host, where the first case takes
/// 2 ms or more, `fed_fma_gflops`: for each block the fastest rate of multiply-adds that ran in its
/// rounds, about as long as that case but at most 20 ms.
nlohmann::json time_blocks(std::vector<Case*> cases, Case& dense, const TimingOptions& options);

}  // namespace vidattn
