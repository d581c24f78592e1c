#pragma once

#include <cstddef>
#include <string>

namespace vidattn {

/// Characters of a UTF-8 text: bytes that go on with none.
size_t characters(const std::string& text);

/// A text of at most so many characters, "…" in place of more.
std::string shortened(const std::string& text, size_t most);

}  // namespace vidattn
