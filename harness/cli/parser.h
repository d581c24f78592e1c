#pragma once

#include <string>
#include <vector>

#include "harness/cli/command.h"

namespace vidattn {

/// What the tool as a whole takes.
struct ToolOptions {
  std::string help;             ///< one sentence
  std::string version;          ///< printed for --version
  std::vector<Option> options;  ///< understood before and after every command
};

/// Parses main()'s arguments and fills the targets of the tool's and the chosen command's options.
/// Returns that command; null where the line asked for help or the version, which is then printed.
/// Throws InputError for a line that cannot be understood, with the nearest right word for a
/// misspelt command or option.
const Command* parse(const ToolOptions& tool, const std::vector<Command>& commands, int argc,
                     char** argv);

}  // namespace vidattn
