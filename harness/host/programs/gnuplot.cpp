#include "harness/host/programs/gnuplot.h"

#include <cctype>

#include "attention/error.h"
#include "harness/host/programs/program.h"
#include "harness/io/text/escape.h"

namespace vidattn {
namespace {

constexpr const char* kGnuplot = "gnuplot";

/// A column of data that reads as this text. Only letters, blanks and what lies beyond ASCII stand
/// for themselves; the rest is octal, which gnuplot decodes when it no longer looks for quotes, ends
/// of blocks, macros or commands. Digits are, too: an octal number would swallow them.
std::string column(const std::string& text) {
  std::string encoded = "\"";
  for (const char c : printable(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool harmless = byte >= 0x80 || std::isalpha(byte) != 0 || c == ' ';
    encoded += harmless ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return encoded + '"';
}

std::string column(double value) { return fmt::format("{:.6g}", value); }

/// gnuplot has no way to name an SVG itself.
std::string titled(std::string picture, const std::string& title) {
  constexpr std::string_view kUntitled = "<title>Gnuplot</title>";
  const size_t at = picture.find(kUntitled);
  if (at != std::string::npos)
    picture.replace(at, kUntitled.size(), "<title>" + xml(title) + "</title>");
  return picture;
}

}  // namespace

size_t Drawing::data(const Rows& rows) {
  blocks_ += fmt::format("$data{} << EOD\n", count_);
  for (const std::vector<Cell>& row : rows) {
    for (const Cell& cell : row)
      blocks_ += std::visit([](const auto& value) { return column(value); }, cell) + " ";
    blocks_ += "\n";
  }
  blocks_ += "EOD\n";
  return count_++;
}

std::string Drawing::draw(const std::string& title) const {
  require_gnuplot();
  // Without the settings of the user's own gnuplot.
  const ProgramResult end =
      run_program({.program = kGnuplot,
                   .arguments = {"--default-settings"},
                   .input = "set encoding utf8\n" + blocks_ + script_ + plots_ + "\n"});
  if (!end.fine()) throw InputError("gnuplot " + end.trouble());
  if (end.out.empty()) throw InputError("gnuplot drew nothing");
  return titled(end.out, title);
}

void require_gnuplot() {
  if (find_program(kGnuplot).empty())
    throw InputError("figures need gnuplot: install the package gnuplot-nox");
}

}  // namespace vidattn
