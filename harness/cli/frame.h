#pragma once

#include "harness/host/exit_code.h"

namespace vidattn {

/// The whole tool: parses the command line and runs the command that it names, with what all
/// commands have in common:
/// - files and folders to write that cannot be written are refused before any work, as are those
///   whose writing would destroy what the command reads or another result (claims.h);
/// - the first Ctrl-C lets the command come to its end with what it has (host/interrupt.h), and the
///   exit code is then 130, whatever it returns;
/// - whatever is thrown becomes one line on stderr and an exit code.
ExitCode run_tool(int argc, char** argv);

}  // namespace vidattn
