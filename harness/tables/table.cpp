#include "harness/tables/table.h"

#include <algorithm>

#include "harness/tables/notes.h"

namespace vidattn {

std::string to_string(Origin origin) {
  constexpr const char* kNames[] = {"paper", "model", "balanced", "skewed", "workload", "measured"};
  return kNames[static_cast<int>(origin)];
}

double Cell::value(Origin origin) const {
  for (const auto& [known, value] : values)
    if (known == origin) return value;
  return NAN;
}

void Cell::set(Origin origin, double value) {
  for (auto& [known, old] : values)
    if (known == origin) {
      old = value;
      return;
    }
  values.emplace_back(origin, value);
}

void Cell::set_paper(const Printed& value) {
  if (value.text.empty()) return;
  set(Origin::paper, value.value());
  printed = value.text;
}

double Cell::difference() const {
  const double paper = value(Origin::paper), ours = value(compared);
  if (paper == 0) return ours == 0 ? 0 : NAN;
  return (ours - paper) / paper;
}

std::string Table::note(const std::string& text) {
  notes.push_back({std::to_string(notes.size() + 1), text});
  return notes.back().key;
}

Cell& Table::add(Cell cell) {
  cells.push_back(std::move(cell));
  return cells.back();
}

const Cell* Table::find(const std::string& row, const std::string& column) const {
  for (const Cell& cell : cells)
    if (cell.row == row && cell.column == column) return &cell;
  return nullptr;
}

Cell* Table::find(const std::string& row, const std::string& column) {
  return const_cast<Cell*>(std::as_const(*this).find(row, column));
}

Table Table::settled() const {
  Table table = *this;
  table.notes.clear();
  for (Cell& cell : table.cells) cell.notes.clear();
  for (const Note& note : notes) {
    std::string key;
    for (size_t c = 0; c < cells.size(); ++c) {
      const auto& keys = cells[c].notes;
      if (std::find(keys.begin(), keys.end(), note.key) == keys.end()) continue;
      if (key.empty()) key = table.note(note.text);
      table.cells[c].notes.push_back(key);
    }
    if (key.empty()) table.remarks.push_back(note.text);
  }
  return table;
}

void Table::mark_unexplained() {
  std::string key;
  for (Cell& cell : cells) {
    if (!cell.notes.empty() || !(std::abs(cell.difference()) > kNoteAbove)) continue;
    if (key.empty()) key = note(note_text("any.unexplained"));
    cell.notes.push_back(key);
  }
}

}  // namespace vidattn
