#pragma once

#include <atomic>
#include <stdexcept>

namespace vidattn {

/// While true, every Device::run ends soon, by throwing Cancelled: those in progress at their next
/// work item or submission. A signal handler may set it.
inline std::atomic<bool> runs_cancelled = false;
static_assert(std::atomic<bool>::is_always_lock_free, "used in signal handlers");

class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("interrupted") {}
};

inline void throw_if_cancelled() {
  if (runs_cancelled.load(std::memory_order_relaxed)) throw Cancelled();
}

}  // namespace vidattn
