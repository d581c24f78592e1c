#pragma once

#include <string>
#include <vector>

#include "harness/cli/command.h"

namespace vidattn {

/// Explains the first of the line's words that names neither a command nor an option of the tool or
/// the command before it: "no option --bakend of run; did you mean --backend?". Empty when all are
/// known. `words` are main()'s arguments without the program.
std::string find_misspelt(const std::vector<std::string>& words,
                          const std::vector<Option>& tool_options,
                          const std::vector<Command>& commands);

}  // namespace vidattn
