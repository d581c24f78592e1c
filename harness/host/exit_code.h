#pragma once

namespace vidattn {

/// What the tool tells its caller at the end.
enum class ExitCode : int {
  fine = 0,
  regression = 1,     ///< a regression or mismatch was found, an equality check failed
  invalid = 2,        ///< the results cannot be judged, or the device failed
  usage = 3,          ///< the input or the command line is wrong
  fault = 4,          ///< vidattn itself is at fault
  interrupted = 130,  ///< by Ctrl-C, as shells say it; what was measured is written
};

}  // namespace vidattn
