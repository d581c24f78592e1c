#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

struct ProcessLimits {
  double seconds = 0;        ///< wall time after which the process is ended; 0 = none
  int64_t memory_bytes = 0;  ///< of private memory (RLIMIT_DATA): allocations beyond fail; 0 = none
  /// Given to a process that is interrupted, after SIGTERM, to end what it started itself.
  double grace_seconds = 0;
};

struct ProcessResult {
  enum class End { exited, signalled, timed_out, interrupted };
  End end = End::exited;
  int code = 0;  ///< exit code or signal number
  std::string out;
  std::string err;         ///< its last 4 KiB
  int64_t peak_bytes = 0;  ///< highest resident memory of the process, from the kernel
  /// Most private memory seen, now and then, of what the limit counts; 0 = not known.
  int64_t private_bytes = 0;
  double seconds = 0;
};

/// Runs this program once more, `vidattn ARGUMENTS`, and waits. The child is no rank of MPI's, even
/// where this process is one. It is ended when this process dies, when interrupted() becomes true,
/// or at the time limit, and is the first that the system's OOM killer takes. Throws InputError
/// when no process can be made.
ProcessResult run_self(const std::vector<std::string>& arguments, const ProcessLimits& limits);

}  // namespace vidattn
