#pragma once

#include <omp.h>

#include <atomic>
#include <exception>

namespace vidattn {

/// Threads for a loop of so many steps of about a nanosecond (a value read and added): one where
/// waking others, for which a busy machine takes milliseconds, costs more than they can save.
inline int threads_for(double steps) {
  constexpr double kFew = 1 << 16;
  return steps <= kFew ? 1 : omp_get_max_threads();
}

/// The first exception thrown inside an OpenMP region. One that left the region would end the
/// program, and whatever allocates may throw:
///
///   RegionErrors errors;
///   #pragma omp parallel for
///   for (…) errors.catching([&] { … });
///   errors.rethrow();
///
/// Barriers and `omp for` stay outside of the work, so that every thread reaches them.
class RegionErrors {
 public:
  /// Runs `work`; nothing any more once something was thrown.
  template <class Work>
  void catching(const Work& work) noexcept {
    if (failed_.load(std::memory_order_relaxed)) return;
    try {
      work();
    } catch (...) {
      if (!failed_.exchange(true)) first_ = std::current_exception();
    }
  }
  /// After the region: throws what was thrown inside.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> failed_ = false;
  std::exception_ptr first_;
};

}  // namespace vidattn
