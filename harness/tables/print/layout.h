#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/tables/table.h"

namespace vidattn {

/// What stands in one place of a printed table.
struct Entry {
  std::string text;                ///< empty = nothing
  std::vector<std::string> notes;  ///< keys of Table::notes
};

/// Rows under columns, each of which has sub-columns: paper, closed form, measured, ….
struct Part {
  struct Column {
    std::string heading;
    std::vector<std::string> subs;  ///< headings of the sub-columns
  };
  struct Row {
    std::vector<std::string> stub;  ///< what names the row, as many as Part::stub
    std::vector<Entry> entries;     ///< of all sub-columns
  };
  /// A line of the head below the columns' headings.
  struct HeadLine {
    std::string name;
    std::vector<std::string> values;  ///< one per column
  };

  std::string title;  ///< empty: the paper's own rows and columns
  std::vector<std::string> stub;
  std::vector<Column> columns;
  std::vector<HeadLine> lines;
  std::vector<Row> rows;
};

enum class Digits {
  shown,  ///< as many as a reader needs, the error of a measured value behind it
  exact,  ///< for programs: errors, in percent, and notes in sub-columns of their own
};

/// The parts of a table: the paper's rows and columns with the printed values where the paper has
/// them and ours beside them; the same counted on executed plans; what the paper has no cell for. A
/// table without a paper has one part with a row for each method.
std::vector<Part> parts_of(const Table& table, Digits digits);

/// What the headings of the sub-columns mean, for those that occur: {"balanced", "counted …"}.
std::vector<std::pair<std::string, std::string>> legend_of(const Table& table);

/// "paper", "closed form", …: the heading of an origin's values.
std::string heading_of(Origin origin);

/// `digits` significant digits, never an exponent for large numbers; "-" when not finite.
std::string significant(double value, int digits);

/// The measured value with its error where it has one: "3.035 ±1.2%".
std::string with_error(const Cell& cell, const std::string& value);

/// "+4.1%", or "-" when not finite.
std::string percent(double share);

}  // namespace vidattn
