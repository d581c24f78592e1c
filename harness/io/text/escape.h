#pragma once

#include <string>
#include <string_view>

namespace vidattn {

// Texts from elsewhere (files, file names, other programs) as part of what vidattn writes. In each
// format they read as what they are and can be nothing else: no command, markup or control.

/// The text with U+FFFD for what is no UTF-8, as JSON's library has it.
std::string valid_utf8(std::string_view text);

/// One line for terminals and whatever people read: valid UTF-8 in which characters that would
/// control something (C0 and C1, separators of lines, the writing direction's marks and overrides)
/// and noncharacters are shown as "\u001b", as JSON has them. What is no UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);

/// The same for a text of several lines: line breaks are kept.
std::string printable_lines(std::string_view text);

/// Printable text in LaTeX's text mode, in a cell of a table, too. It compiles with pdfLaTeX's
/// default fonts: of characters beyond ASCII those that they lack are shown as "[U+4E2D]".
std::string latex(std::string_view text);

/// Printable text in an element of XML 1.0, or in an attribute in double quotes.
std::string xml(std::string_view text);

/// A field of RFC 4180, quoted where needed; the text itself is kept as it is, but for an
/// apostrophe before what a spreadsheet would take for a formula.
std::string csv_field(std::string_view text);

}  // namespace vidattn
