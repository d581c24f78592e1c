#pragma once

#include <string>
#include <vector>

namespace vidattn {

/// Words as one line for a shell; control characters are written as bash reads them in $'…'.
std::string shell_line(const std::vector<std::string>& words);

/// main()'s arguments as one would type them, wherever the program was.
std::string command_line(std::vector<std::string> arguments);

}  // namespace vidattn
