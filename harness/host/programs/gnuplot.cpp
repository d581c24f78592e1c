#include "harness/host/programs/gnuplot.h"

#include <cctype>
#include <string_view>
#include <utility>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/programs/program.h"
#include "harness/io/file.h"
#include "harness/io/text/escape.h"

namespace vidattn {
namespace {

constexpr const char* kGnuplot = "gnuplot";
constexpr const char* kPlainTexts = "set termoption noenhanced\n";  // "_" is no index

/// A column of data that reads as this text. Only letters, blanks and what lies beyond ASCII stand
/// for themselves; the rest is octal, which gnuplot decodes when it no longer looks for quotes,
/// ends of blocks, macros or commands. Digits are, too: an octal number would swallow them. Longer
/// texts than gnuplot takes, and a figure can show, are cut.
std::string column(const std::string& text) {
  constexpr size_t kLongest = 250;
  std::string shown = printable(text);
  if (shown.size() > kLongest) shown = printable(shown.substr(0, kLongest)) + "...";
  std::string encoded = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    const bool harmless = byte >= 0x80 || std::isalpha(byte) != 0 || c == ' ';
    encoded += harmless ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return encoded + '"';
}

std::string column(double value) { return fmt::format("{:.6g}", value); }

/// gnuplot does not tell when what it wrote was cut off.
bool is_whole(std::string_view picture) {
  constexpr std::string_view kEndOfPng = "IEND\xae\x42\x60\x82", kEndOfPdf = "%%EOF";
  picture = picture.substr(0, picture.find_last_not_of('\n') + 1);
  return picture.ends_with("</svg>") || picture.ends_with(kEndOfPng) ||
         picture.ends_with(kEndOfPdf);
}

std::string with_all(std::string text, std::string_view part, std::string_view instead) {
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += instead.size())
    text.replace(at, part.size(), instead);
  return text;
}

/// What gnuplot leaves to do on an SVG: a name of its own, and the one sequence that XML allows in
/// no text.
std::string finished(std::string picture, const std::string& title) {
  if (!picture.starts_with("<?xml")) return picture;
  picture = with_all(std::move(picture), "]]>", "]]&gt;");
  return with_all(std::move(picture), "<title>Gnuplot</title>",
                  "<title>" + xml(title) + "</title>");
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

std::string Drawing::terminal(const std::string& path) const {
  // A PDF's letters are larger than the others', its lines and marks smaller and closer.
  constexpr double kPngScale = 1.5, kPointsPerInch = 72;
  const std::string usual = "mark_scale = 1\nkey_spacing = 1\n";
  if (path.ends_with(".svg"))
    return usual +
           fmt::format("set terminal svg size {},{} font 'Helvetica,{}' background rgb '#ffffff'\n",
                       width_, height_, font_);
  if (path.ends_with(".png"))
    return usual +
           fmt::format(
               "set terminal pngcairo size {:.0f},{:.0f} fontscale {} font 'Helvetica,{}'\n",
               kPngScale * width_, kPngScale * height_, kPngScale, font_);
  if (path.ends_with(".pdf"))
    return fmt::format(
        "mark_scale = 1.7\nkey_spacing = 1.25\n"
        "set terminal pdfcairo size {:.3f}in,{:.3f}in fontscale 0.85 linewidth 1.7 font "
        "'Helvetica,{}'\n",
        width_ / kPointsPerInch, height_ / kPointsPerInch, font_);
  throw InputError(fmt::format("{} is no figure: .svg, .png or .pdf", in_quotes(path)));
}

std::string Drawing::draw(const std::string& title, const std::string& path) const {
  const std::string terminal_of_path = terminal(path);
  require_gnuplot();
  // Without the settings of the user's own gnuplot.
  const ProgramResult end =
      run_program({.program = kGnuplot,
                   .arguments = {"--default-settings"},
                   .input = "set encoding utf8\n" + blocks_ + terminal_of_path + script_ +
                            kPlainTexts + plots_ + "\n",
                   .until_interrupted = true});
  throw_if_cancelled();  // which ended it
  if (!end.fine()) throw InputError("gnuplot " + end.trouble());
  if (!is_whole(end.out)) throw InputError("gnuplot's picture is cut off");
  return finished(end.out, title);
}

void require_gnuplot() {
  if (find_program(kGnuplot).empty())
    throw InputError("figures need gnuplot: install the package gnuplot-nox");
}

}  // namespace vidattn
