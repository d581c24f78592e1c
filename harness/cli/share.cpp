#include "harness/cli/share.h"

#include <charconv>

#include "attention/error.h"

namespace vidattn {

double parse_share(const std::string& text, const std::string& option) {
  const bool percent = text.ends_with('%');
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (percent) value /= 100;
  if (error != std::errc() || stop != end || !(value >= 0 && value <= 1))
    throw InputError(option + " '" + text + "': expected a share such as 1% or 0.01");
  return value;
}

}  // namespace vidattn
