#pragma once

#include <string>
#include <string_view>

namespace vidattn {

// Texts from elsewhere in GitHub's Markdown (https://github.github.com/gfm), which show there as
// what they are: no emphasis, code, mathematics, HTML, link, mention, emoji or end of a cell. Like
// all of escape.h, of printable() text.

/// Inside of a line that begins with something else, or in a cell of a table.
std::string markdown(std::string_view text);

/// At the beginning of a line: no heading, list, quotation or rule either.
std::string markdown_line(std::string_view text);

}  // namespace vidattn
