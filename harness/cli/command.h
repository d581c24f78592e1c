#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace vidattn {

/// The tool's command line while its subcommands are added and parsed.
struct CommandLine {
  CLI::App& app;  ///< the parent of all subcommands
  std::vector<std::string>
      arguments;  ///< as given, for the record in results; the program without its path
  std::function<int()> action;  ///< set by the chosen subcommand; returns the exit code
};

using AddCommand = void (*)(CommandLine&);

/// Makes a subcommand part of the tool: one file under harness/commands/, as
///   const RegisterCommand registered(50, [](CommandLine& line) { … });
/// `order` is its place in the help text. The options live in a shared_ptr that the callback holds;
/// the callback only sets `line.action`, so that nothing runs before the whole line is parsed.
class RegisterCommand {
 public:
  RegisterCommand(int order, AddCommand add);
};

/// Adds every registered subcommand, in order.
void add_commands(CommandLine& line);

}  // namespace vidattn
