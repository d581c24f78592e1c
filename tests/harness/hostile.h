#pragma once

#include <string>
#include <vector>

#include "harness/io/text/escape.h"

namespace vidattn::testing {

/// Texts that a file from somebody else may hold where a name is expected, each of which does
/// something where it is taken for more than a text. A command in them makes the file `made`, whose
/// path should consist of letters, digits, slashes and hyphens.
inline std::vector<std::string> hostile_texts(const std::string& made) {
  const std::string touch = "touch " + made;
  return {
      "x\"\nEOD\nsystem \"" + touch + "\"\n#",
      "x\nEOD\nsystem \"" + touch + "\"\n$data0 << EOD\n\"x",
      "EOD",
      "`" + touch + "`",
      "\"`" + touch + "`\"",
      "'.\"`" + touch + "`\".'",
      "'.system(\"" + touch + "\").'",
      "x'; system('" + touch + "'); print '",
      "x\\\n!" + touch,
      "!" + touch,
      "$(" + touch + ")",
      "'; " + touch + "; '",
      "@data0 $data0 {/:Bold x}_2^3 x\\nx \\042 \\\" 100% %s %g %n",
      "# no comment",
      "12",
      "",
      " ",
      "\\input{/etc/hostname} \\input /etc/hostname ~^<>|\"",
      "\\write18{" + touch + "} $x$ #1 & \\\\ \\end{tabular} %",
      "[5pt] first in its row",
      "* first in its row",
      "| a | b |\n|---|---|\n| c",
      "\\| a",
      ("<script>x</script> [x](javascript:x) ![x](http://x) &lt; *b* **c** _d_ ~~g~~ `h` $i$ &#64; "
       "@user a@b.de #12 :smile: www.x.yz HTTPS://x.yz ftp://x.yz mailto:x@y.zz [a]: b [^1]"),
      "]]></failure><failure message=\"x\">",
      std::string("\x1b[2J\x1b]0;title\x07 \r\t\v\x7f \xc2\x9b"
                  "31m \xe2\x80\xae"
                  "desrever\xe2\x81\xa6 line\u2028separator\u2029 next\u0085 \u200e\u200f\u061c"),
      "\xff\xfe \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82",
      "\xef\xbf\xbf\xef\xbf\xbe",
      std::string("a\0b", 3),
      "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x8e\xac",
      std::string(5000, '\\'),
  };
}

/// Whether a text has only what XML 1.0 and terminals take: UTF-8 without controls but line breaks
/// and tabs.
inline bool has_controls(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) return true;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0)
      return true;
  }
  for (const char* part :
       {"\u2028", "\u2029", "\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d",
        "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\xef\xbf\xbf", "\xef\xbf\xbe", "\xff"})
    if (text.find(part) != std::string::npos) return true;
  return false;
}

/// A text as a figure's SVG shows it: gnuplot leaves quotes and > as they are.
inline std::string in_svg(const std::string& text) {
  constexpr size_t kLongest = 250;
  std::string shown = printable(text);
  if (shown.size() > kLongest) shown = printable(shown.substr(0, kLongest)) + "...";
  shown = xml(shown);
  for (size_t at; (at = shown.find("&quot;")) != std::string::npos;) shown.replace(at, 6, "\"");
  for (size_t at; (at = shown.find("&gt;")) != std::string::npos;) shown.replace(at, 4, ">");
  const size_t end = shown.find("]]>");
  return end == std::string::npos ? shown : shown.replace(end, 3, "]]&gt;");
}

}  // namespace vidattn::testing
