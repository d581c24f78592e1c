#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// A number as it is printed: its digits say how exactly it is known.
struct Printed {
  std::string text;  ///< empty = the cell is empty

  double value() const;  ///< NaN when empty
  /// One unit of the last printed digit.
  double unit() const;
  /// Whether `value` gives this text when it is rounded or cut off to as many digits; MoGA does
  /// both (6.945 is printed as 6.94, 0.8798 as 0.88).
  bool prints(double value) const;
};

/// A row of a paper's table, with the text that it was taken from.
struct PaperRow {
  std::string label, source;
  std::vector<std::string> stub;   ///< what names the row, as printed; one per PaperTable::stub
  int64_t groups = 0;              ///< M; 1 = full attention, 0 = not one number
  int64_t tokens = 0, frames = 0;  ///< video tokens and pixel frames; 0 = not of the row
  std::vector<Printed> values;     ///< one per column
};

/// A paper's table as data.
struct PaperTable {
  std::string name;   ///< a number, "5"
  std::string label;  ///< as the paper calls it, "Table 5"
  std::string title, where, model;
  std::vector<std::string> stub;                      ///< headings of what names a row
  std::vector<std::string> columns, headings;         ///< as the program calls them, and as printed
  std::vector<int64_t> column_tokens, column_frames;  ///< empty where the rows have them
  std::vector<PaperRow> rows;

  /// The cell; throws InputError when there is none.
  const Printed& at(const std::string& row, const std::string& column) const;
  double value(const std::string& row, const std::string& column) const {
    return at(row, column).value();
  }
};

/// Table `name` of the paper: the copy inside the program (results/paper/tableNAME.json), or the
/// file of that name in `folder` when one is given. Throws InputError when it is missing or
/// malformed.
PaperTable paper_table(const std::string& name, const std::string& folder = {});

}  // namespace vidattn
