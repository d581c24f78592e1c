#pragma once

#include <fmt/format.h>

#include <string>

namespace vidattn {

/// The text `key` ("table5.full") of results/paper/notes.json, as the program has it inside. Throws
/// std::logic_error where there is none.
std::string note_template(const std::string& key);

/// That text with figures in its places: {tokens} or, in fmt's format, {pflops:.4f}, for
/// fmt::arg("tokens", …). Throws fmt::format_error where the text asks for another figure.
template <class... Figure>
std::string note_text(const std::string& key, const Figure&... figures) {
  return fmt::vformat(note_template(key), fmt::make_format_args(figures...));
}

}  // namespace vidattn
