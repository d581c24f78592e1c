#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/tables/paper.h"

namespace vidattn {

/// Where a value comes from, in the order of the columns.
enum class Origin {
  paper,     ///< printed
  model,     ///< closed form, or a projection from other printed figures
  balanced,  ///< counted on a plan whose router is balanced
  skewed,    ///< counted on a plan whose router is skewed
  workload,  ///< counted on a plan made from a rendered or real video
  measured,  ///< on this machine
};
inline constexpr Origin kOrigins[] = {Origin::paper,  Origin::model,    Origin::balanced,
                                      Origin::skewed, Origin::workload, Origin::measured};
std::string to_string(Origin origin);

/// One cell of a paper's table with all that is known about it.
struct Cell {
  std::string row, column, unit;
  int digits = 4;                                      ///< significant, except of printed values
  std::vector<std::pair<Origin, double>> values = {};  ///< NaN = not known
  std::string printed = {};                            ///< the paper's value, digit by digit
  Origin compared = Origin::model;                     ///< what the difference is taken of
  double error = NAN;  ///< of the measured value, a share of it; NaN = not known, or none
  std::vector<std::string> notes = {};  ///< keys of Table::notes

  double value(Origin origin) const;  ///< NaN when not there
  void set(Origin origin, double value);
  void set_paper(const Printed& value);  ///< nothing where the paper's cell is empty
  /// (compared − paper) / paper; NaN unless both are there.
  double difference() const;
};

struct Note {
  std::string key, text;
};

/// A paper's table, ours beside it.
struct Table {
  std::string name;   ///< a number, "5"
  std::string label;  ///< as the paper calls it, "Table 5"
  std::string title, where;
  std::optional<PaperTable> paper = {};  ///< whose rows and columns it has; none: a row per method
  std::vector<Cell> cells = {};
  std::vector<Note> notes = {};
  std::vector<std::string> remarks = {};              ///< notes on no cell, see settled()
  nlohmann::json details = nlohmann::json::object();  ///< everything behind the cells, for JSON

  /// Adds a note and returns its key: 1, 2, …
  std::string note(const std::string& text);
  Cell& add(Cell cell);
  const Cell* find(const std::string& row, const std::string& column) const;
  Cell* find(const std::string& row, const std::string& column);
  /// Gives every cell that is off by more than 5% and has no note the note "unexplained".
  void mark_unexplained();
  /// The same with notes that no cell refers to as remarks, the others numbered without gaps.
  Table settled() const;
};

/// Above this the difference needs a note.
inline constexpr double kNoteAbove = 0.05;

}  // namespace vidattn
