#pragma once

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

/// Times blocks of every passed case beside `dense`, full attention on the same device and in the
/// same storage type, as METHODOLOGY.md says. Fills the cases, see take_times(). On devices other
/// than the host there is no peak (0), and no multiply-adds run beside it. Returns how the blocks
/// were taken.
TimingFacts time_blocks(const std::vector<Case*>& cases, Case& dense, const TimingOptions& options);

}  // namespace vidattn
