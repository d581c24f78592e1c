#include "harness/io/text/shortened.h"

#include <algorithm>

namespace vidattn {

size_t characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string shortened(const std::string& text, size_t most) {
  if (characters(text) <= most) return text;
  size_t end = 0;
  for (size_t seen = 0; seen < most; ++end)
    if (end + 1 == text.size() || (text[end + 1] & 0xc0) != 0x80) ++seen;
  return text.substr(0, end) + "…";
}

}  // namespace vidattn
