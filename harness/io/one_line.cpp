#include "harness/io/one_line.h"

namespace vidattn {
namespace {

/// Bytes of the control character that the text begins with; 0 = it begins with none.
size_t control_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return 1;
  if (text.starts_with("\u2028") || text.starts_with("\u2029")) return 3;
  // U+0080 to U+009F in UTF-8
  return text.size() > 1 && byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) < 0xa0 ? 2 : 0;
}

}  // namespace

bool is_one_line(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i)
    if (control_bytes(text.substr(i)) > 0) return false;
  return true;
}

std::string one_line(std::string_view text) {
  std::string line;
  bool apart = false;
  while (!text.empty()) {
    if (const size_t control = control_bytes(text); control > 0) {
      apart = true;
      text.remove_prefix(control);
      continue;
    }
    if (apart && !line.empty()) line += ' ';
    apart = false;
    line += text.front();
    text.remove_prefix(1);
  }
  return line;
}

}  // namespace vidattn
