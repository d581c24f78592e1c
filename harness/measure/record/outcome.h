#pragma once

#include <string>

namespace vidattn {

/// What became of a case.
///   passed         correct, and timed
///   failed         the equality check did not hold, or the method or device threw
///   mistrusted     correct, but its times cannot be believed (above the measured peak)
///   skipped        the method does not fit the inputs
///   refused        the inputs themselves could not be used: a file, a shape, a value
///   crashed        its process ended by a signal or an unknown exit code
///   timed out      its process was ended after the time limit
///   out of memory  the memory limit, an allocation that failed, or the system's OOM killer
///   interrupted    the user stopped before it was timed
enum class Outcome {
  passed,
  failed,
  mistrusted,
  skipped,
  refused,
  crashed,
  timed_out,
  out_of_memory,
  interrupted
};
std::string to_string(Outcome outcome);          ///< as above: "timed out"
Outcome parse_outcome(const std::string& text);  ///< throws InputError for any other text

/// Whether something went wrong: failed, refused, crashed, timed out or out of memory.
bool is_failure(Outcome outcome);

}  // namespace vidattn
