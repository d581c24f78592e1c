#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

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
  Origin compared = Origin::model;                     ///< what the difference is taken of
  std::vector<std::string> notes = {};                 ///< keys of Table::notes

  double value(Origin origin) const;  ///< NaN when not there
  void set(Origin origin, double value);
  /// compared / paper - 1; NaN unless both are there.
  double difference() const;
};

struct Note {
  std::string key, text;
};

/// A paper's table, ours beside it.
struct Table {
  std::string name, title, where;
  std::vector<Cell> cells;
  std::vector<Note> notes;
  nlohmann::json details = nlohmann::json::object();  ///< everything behind the cells, for JSON

  /// Adds a note and returns its key: a, b, … z, aa, …
  std::string note(const std::string& text);
  Cell& add(Cell cell);
  Cell* find(const std::string& row, const std::string& column);
  /// Gives every cell that is off by more than 5% and has no note the note "unexplained".
  void mark_unexplained();
};

/// Above this the difference needs a note.
inline constexpr double kNoteAbove = 0.05;

}  // namespace vidattn
