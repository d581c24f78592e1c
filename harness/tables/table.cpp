#include "harness/tables/table.h"

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

double Cell::difference() const {
  const double paper = value(Origin::paper), ours = value(compared);
  if (paper == 0) return ours == 0 ? 0 : NAN;
  return ours / paper - 1;
}

std::string Table::note(const std::string& text) {
  std::string key;
  for (size_t n = notes.size() + 1; n > 0; n = (n - 1) / 26)
    key.insert(key.begin(), static_cast<char>('a' + (n - 1) % 26));
  notes.push_back({key, text});
  return key;
}

Cell& Table::add(Cell cell) {
  cells.push_back(std::move(cell));
  return cells.back();
}

Cell* Table::find(const std::string& row, const std::string& column) {
  for (Cell& cell : cells)
    if (cell.row == row && cell.column == column) return &cell;
  return nullptr;
}

void Table::mark_unexplained() {
  std::string key;
  for (Cell& cell : cells) {
    if (!cell.notes.empty() || !(std::abs(cell.difference()) > kNoteAbove)) continue;
    if (key.empty()) key = note("unexplained.");
    cell.notes.push_back(key);
  }
}

}  // namespace vidattn
