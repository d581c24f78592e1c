#include "harness/io/text/console.h"

#include "harness/io/text/escape.h"

namespace vidattn {

void print_text(std::FILE* stream, std::string_view text) {
  fmt::print(stream, "{}", printable_lines(text));
}

}  // namespace vidattn
