#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "harness/host/exit_code.h"

namespace vidattn {

/// "vidattn: TEXT" on stderr, in one line whatever the text holds. Returns the code.
ExitCode say(std::string_view text, ExitCode code) noexcept;

/// Says what is being thrown, to be called in a catch block, and returns the exit code for it: a
/// fault of vidattn is what nothing below knows, as a library's own exception.
ExitCode say_what_was_thrown() noexcept;

/// What a failure says, in one line, for a record: the text of an exception, "out of memory: WHAT".
std::string failure_text(const std::exception_ptr& failure);

/// From now on an exception that nothing can catch (thrown in a thread, in a parallel region, or
/// outside of run_tool()) ends the program in the same way: one line and an exit code, no core.
void end_in_one_line();

}  // namespace vidattn
