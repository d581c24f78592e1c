#pragma once

#include <string>

namespace vidattn {

/// "3%" or "0.03" as 0.03. Throws InputError naming `option` unless it is in [0, 1].
double parse_share(const std::string& text, const std::string& option);

}  // namespace vidattn
