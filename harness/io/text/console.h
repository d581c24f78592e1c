#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

namespace vidattn {

/// Writes text to a stream as a terminal may show it (printable_lines()).
void print_text(std::FILE* stream, std::string_view text);

/// Everything that vidattn says goes through these two, whatever the values hold.
template <class... Values>
void print_out(fmt::format_string<Values...> format, Values&&... values) {
  print_text(stdout, fmt::format(format, std::forward<Values>(values)...));
}

template <class... Values>
void print_err(fmt::format_string<Values...> format, Values&&... values) {
  print_text(stderr, fmt::format(format, std::forward<Values>(values)...));
}

}  // namespace vidattn
