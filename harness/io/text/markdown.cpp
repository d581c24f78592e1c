#include "harness/io/text/markdown.h"

#include <algorithm>

#include "harness/io/text/escape.h"

namespace vidattn {
namespace {

constexpr std::string_view kDigits = "0123456789";
/// Shows nothing. GitHub looks for mentions, addresses and emoji in what the text is then, where a
/// backslash is gone.
constexpr const char* kNothing = "<!-- -->";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// One character of a text, with those beside it.
struct Spot {
  std::string_view text;
  size_t at;

  char now() const { return text[at]; }
  bool follows_word() const { return at > 0 && is_word(text[at - 1]); }
  bool before_word() const { return at + 1 < text.size() && is_word(text[at + 1]); }
  bool before(std::string_view next) const { return text.substr(at + 1).starts_with(next); }
  bool follows(std::string_view before) const { return text.substr(0, at).ends_with(before); }
};

/// Inside a word an underscore is no emphasis: the names of methods and parameters stay legible.
bool is_markup(const Spot& spot) {
  switch (spot.now()) {
    case '_':
      return !(spot.follows_word() && spot.before_word());
    case '(':
      return spot.follows("]");
    case '.':
      return spot.follows("www") || spot.follows("WWW");
    case '&':
      return spot.before_word() || spot.before("#");
    default:
      return std::string_view("\\`*~$|<@#").find(spot.now()) != std::string_view::npos;
  }
}

/// ":smile:"
bool begins_emoji(const Spot& spot) {
  const std::string_view rest = spot.text.substr(spot.at + 1);
  const std::string_view name = rest.substr(0, rest.find(':'));
  const bool known = name == "100" || name == "1234";  // other numbers are times
  return (known || name.find_first_not_of(kDigits) != std::string_view::npos) &&
         name.size() < rest.size() && std::all_of(name.begin(), name.end(), [](char c) {
           return is_word(c) || c == '_' || c == '+' || c == '-';
         });
}

bool is_looked_for(const Spot& spot) {
  switch (spot.now()) {
    case '@':
    case '#':
      return true;
    case ':':
      return spot.before("//") || begins_emoji(spot);
    case '.':
      return is_markup(spot);
    default:
      return false;
  }
}

/// Characters of a text's beginning that would make the line a list's item, heading or rule.
size_t beginning_of_block(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
  if (digits > 0 && digits < text.size() && (text[digits] == '.' || text[digits] == ')') &&
      (digits + 1 == text.size() || text[digits + 1] == ' '))
    return digits + 1;
  const bool marks =
      !text.empty() && std::string_view("-+=").find(text[0]) != std::string_view::npos;
  if (marks && (text.size() == 1 || (!is_word(text[1]) && text[1] != '.'))) return 1;
  return !text.empty() && (text[0] == '>' || text[0] == '[') ? 1 : 0;
}

}  // namespace

std::string markdown(std::string_view text) {
  const std::string plain = printable(text);
  std::string safe;
  for (size_t at = 0; at < plain.size(); ++at) {
    const Spot spot{plain, at};
    if (is_markup(spot)) safe += '\\';
    safe += spot.now();
    if (is_looked_for(spot)) safe += kNothing;
  }
  return safe;
}

std::string markdown_line(std::string_view text) {
  const size_t spaces = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(spaces);  // four would make code of it, and none is shown
  std::string safe = markdown(text);
  if (const size_t begins = beginning_of_block(text); begins > 0) safe.insert(begins - 1, "\\");
  return safe;
}

}  // namespace vidattn
