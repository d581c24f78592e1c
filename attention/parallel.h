#pragma once

#include <atomic>
#include <exception>

namespace vidattn {

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
