#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/cli/option.h"
#include "harness/host/exit_code.h"

namespace vidattn {

/// The command line as it was given, for the record in results; the program without its path.
using Arguments = std::vector<std::string>;

/// A subcommand of the tool: what it is called (one word, or two as in "study make"), what it takes
/// and what it does. The targets of its
/// options live in what `run` holds, usually a shared_ptr. What all commands have in common is the
/// frame's (frame.h): exit codes, interrupts, files that cannot be written.
struct Command {
  std::string name, help;
  std::vector<Option> options;
  std::function<ExitCode(const Arguments&)> run;
  /// Ranks that MPI started share it, or each runs it for itself; else it is refused there.
  bool on_ranks = false;
  /// What its exit codes 1 and 2 say, as "1 a case failed; 2 a case is mistrusted", for the help;
  /// empty = it has none. The others are the frame's (exit_code.h).
  std::string exits = {};
};

/// The one or two words of its name.
std::vector<std::string> words_of(const Command& command);

/// Makes a subcommand part of the tool: one file under harness/commands/, as
///   const RegisterCommand registered([] { return Command{…}; });
class RegisterCommand {
 public:
  explicit RegisterCommand(Command (*make)());
};

/// All subcommands, in the order of the help text (command.cpp).
std::vector<Command> make_commands();

}  // namespace vidattn
