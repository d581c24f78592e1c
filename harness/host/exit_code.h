#pragma once

namespace vidattn {

/// What the tool tells its caller at the end. Where a result could not be written, the others still
/// are; the code is `usage` then, unless the results themselves ask for another one than `fine`.
enum class ExitCode : int {
  fine = 0,
  regression = 1,     ///< a regression or mismatch was found, an equality check failed
  invalid = 2,        ///< the results cannot be judged, or the device failed
  usage = 3,          ///< the input or the command line is wrong, or a result cannot be written
  fault = 4,          ///< vidattn itself is at fault
  interrupted = 130,  ///< by Ctrl-C, SIGTERM or SIGHUP; what was measured is written
  pipe_closed = 141,  ///< as shells say it: stdout's reader went away; files are written
};

}  // namespace vidattn
