#pragma once

#include <cstdint>
#include <optional>

namespace vidattn {

/// Peak resident memory of a piece of work, measured from construction on, for the whole process:
///
///     const PeakMemory peak;
///     work();
///     report(peak.extra_bytes());
///
/// Linux only: resets the kernel's high-water mark (VmHWM) through /proc/self/clear_refs. Memory
/// that the work takes from and gives back to allocations made before is not seen, so the
/// constructor first returns the allocator's free pages to the system. Resolution: the kernel
/// batches its page counters per CPU, so some hundred KiB per core; read results below about 1 MiB
/// as "little".
class PeakMemory {
 public:
  PeakMemory();

  /// Highest resident memory since construction minus that at construction, at least 0; nullopt
  /// where the system does not tell.
  std::optional<int64_t> extra_bytes() const;

 private:
  std::optional<int64_t> before_;
};

}  // namespace vidattn
