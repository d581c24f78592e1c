#pragma once

#include <string>
#include <string_view>

namespace vidattn {

/// Whether a text in UTF-8 has no control character (below U+0020, U+007F to U+009F) and no
/// separator of lines (U+2028, U+2029): nothing that would end the line or command a terminal.
bool is_one_line(std::string_view text);

/// The text with every run of control characters as one space, without those at its ends.
std::string one_line(std::string_view text);

}  // namespace vidattn
