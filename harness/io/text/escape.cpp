#include "harness/io/text/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace vidattn {
namespace {

size_t length_of_character(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

char32_t code_point(std::string_view character) {
  char32_t code = static_cast<unsigned char>(character[0]);
  if (character.size() > 1) code &= 0x7fU >> character.size();
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 63U);
  return code;
}

bool within(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

bool controls(char32_t code) {
  const bool c0_or_c1 = code < 0x20 || within(code, 0x7f, 0x9f);
  const bool separates = code == 0x2028 || code == 0x2029;  // lines, paragraphs
  // Unicode's Bidi_Control: marks, embeddings and overrides, isolates.
  const bool direction = code == 0x061c || code == 0x200e || code == 0x200f ||
                         within(code, 0x202a, 0x202e) || within(code, 0x2066, 0x2069);
  const bool none = code == 0xfffe || code == 0xffff;
  return c0_or_c1 || separates || direction || none;
}

std::string shown(std::string_view text, char32_t kept) {
  const std::string valid = valid_utf8(text);
  std::string out;
  for (std::string_view left = valid; !left.empty();) {
    const std::string_view character = left.substr(0, length_of_character(left[0]));
    const char32_t code = code_point(character);
    if (controls(code) && code != kept)
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
    else
      out += character;
    left.remove_prefix(character.size());
  }
  return out;
}

using Replacements = std::initializer_list<std::pair<char, std::string_view>>;

std::string replaced(const std::string& text, Replacements replacements) {
  std::string out;
  for (const char c : text) {
    std::string_view now(&c, 1);
    for (const auto& [special, harmless] : replacements)
      if (c == special) now = harmless;
    out += now;
  }
  return out;
}

/// Characters beyond ASCII for pdfLaTeX, which stops at those that its fonts do not have: signs by
/// their commands, accented letters as they are, anything else by its number.
std::string in_latex_fonts(std::string_view text) {
  static const std::map<char32_t, std::string_view> kSigns = {{U'§', "\\S{}"},
                                                              {U'°', "$^{\\circ}$"},
                                                              {U'±', "$\\pm$"},
                                                              {U'²', "\\textsuperscript{2}"},
                                                              {U'³', "\\textsuperscript{3}"},
                                                              {U'µ', "$\\mu$"},
                                                              {U'·', "$\\cdot$"},
                                                              {U'×', "$\\times$"},
                                                              {U'–', "\\textendash{}"},
                                                              {U'—', "\\textemdash{}"},
                                                              {U'‘', "`"},
                                                              {U'’', "'"},
                                                              {U'“', "``"},
                                                              {U'”', "''"},
                                                              {U'…', "\\dots{}"},
                                                              {U'→', "$\\rightarrow$"},
                                                              {U'−', "$-$"},
                                                              {U'≤', "$\\leq$"},
                                                              {U'≥', "$\\geq$"},
                                                              {U'≈', "$\\approx$"},
                                                              {U'δ', "$\\delta$"}};
  const auto is_letter = [](char32_t code) {  // of Latin-1, but for four that older fonts lack
    return code >= 0xc0 && code <= 0xff && code != 0xd0 && code != 0xf0 && code != 0xde &&
           code != 0xfe && code != 0xf7;
  };
  std::string out;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, length_of_character(text[0]));
    const char32_t code = code_point(character);
    if (const auto sign = kSigns.find(code); sign != kSigns.end())
      out += sign->second;
    else if (code < 0x80 || is_letter(code))
      out += character;
    else
      out += fmt::format("[U+{:04X}]", static_cast<uint32_t>(code));
    text.remove_prefix(character.size());
  }
  return out;
}

/// Powers of numbers, 10^9 or 10^-6, with a raised exponent in place of the escaped sign.
std::string with_powers(std::string text) {
  constexpr std::string_view kSign = "\\textasciicircum{}", kDigits = "0123456789";
  for (size_t at = 1; (at = text.find(kSign, at)) != std::string::npos;) {
    const size_t from = at + kSign.size();
    const bool negative = text.substr(from).starts_with('-');
    const size_t first = from + (negative ? 1 : 0);
    const size_t end = std::min(text.find_first_not_of(kDigits, first), text.size());
    const std::string power = (negative ? "$-$" : "") + text.substr(first, end - first);
    const bool is_power = kDigits.find(text[at - 1]) != std::string_view::npos && end > first;
    if (is_power) text.replace(at, end - at, "\\textsuperscript{" + power + "}");
    at = is_power ? at : from;
  }
  return text;
}

/// Whether a spreadsheet would compute what a field says.
bool is_formula(std::string_view text) {
  if (text.size() < 2 || std::string_view("=+-@\t\r").find(text[0]) == std::string_view::npos)
    return false;
  double number = 0;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  return error != std::errc() || end != text.data() + text.size();
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string printable(std::string_view text) {
  constexpr char32_t kNothing = 0x110000;  // beyond the last character
  return shown(text, kNothing);
}

std::string printable_lines(std::string_view text) { return shown(text, U'\n'); }

std::string latex(std::string_view text) {
  const std::string plain = replaced(printable(text), {{'\\', "\\textbackslash{}"},
                                                       {'~', "\\textasciitilde{}"},
                                                       {'^', "\\textasciicircum{}"},
                                                       {'<', "\\textless{}"},
                                                       {'>', "\\textgreater{}"},
                                                       {'|', "\\textbar{}"},
                                                       {'{', "\\{"},
                                                       {'}', "\\}"},
                                                       {'$', "\\$"},
                                                       {'&', "\\&"},
                                                       {'#', "\\#"},
                                                       {'%', "\\%"},
                                                       {'_', "\\_"}});
  std::string safe = in_latex_fonts(with_powers(plain));
  // Two hyphens ("--out") would be a dash.
  for (size_t at = 0; (at = safe.find("--", at)) != std::string::npos;) safe.insert(at + 1, "{}");
  // After the end of a row these would belong to it: a space to leave, a ban on breaking the page.
  return safe.starts_with('[') || safe.starts_with('*') ? "{}" + safe : safe;
}

std::string xml(std::string_view text) {
  return replaced(printable(text), {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}});
}

std::string csv_field(std::string_view text) {
  std::string safe = (is_formula(text) ? "'" : "") + std::string(text);
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  return '"' + replaced(safe, {{'"', "\"\""}}) + '"';
}

}  // namespace vidattn
