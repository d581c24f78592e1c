#pragma once

#include <string>
#include <vector>

#include "harness/cli/option.h"

namespace vidattn {

/// The paths of what an option says is written, as the line or a default has them.
std::vector<std::string> written_paths(const Option& option);

/// Holds what the options write against each other and against every file that any other option
/// names, however they are spelt (io/places/roles.h). Whatever text is not said to be written
/// counts as read, so that no command can forget to say so. A store has the files that SQLite keeps
/// beside it, too. Throws InputError for a file that would be lost.
void claim_files(const std::vector<Option>& options);

}  // namespace vidattn
