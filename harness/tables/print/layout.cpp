#include "harness/tables/print/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "harness/tables/notes.h"

namespace vidattn {
namespace {

const std::string kDifference = "difference";

/// A sub-column: the values of an origin, or what belongs to them.
struct Sub {
  enum class Kind { value, difference, error, notes } kind = Kind::value;
  Origin origin = Origin::paper;

  std::string heading() const {
    switch (kind) {
      case Kind::difference:
        return kDifference;
      case Kind::error:
        return heading_of(origin) + " ± %";
      case Kind::notes:
        return "notes";
      case Kind::value:
        break;
    }
    return heading_of(origin);
  }
};

/// Rows and columns, and the cell where they cross.
struct Frame {
  std::string title;
  std::vector<std::string> stub;
  std::vector<Part::HeadLine> lines = {};
  std::vector<std::string> headings = {};
  std::vector<std::vector<std::string>> rows = {};   ///< stubs
  std::vector<std::vector<const Cell*>> cells = {};  ///< by row and column; null = none
  std::vector<Origin> origins = {std::begin(kOrigins), std::end(kOrigins)};
  bool notes = true;  ///< the cells' notes stand here
};

using Column = std::vector<const Cell*>;

Column column_of(const Frame& frame, size_t c) {
  Column column;
  for (const auto& row : frame.cells)
    if (row[c]) column.push_back(row[c]);
  return column;
}

bool any_of(const Column& column, const std::function<bool(const Cell&)>& holds) {
  return std::any_of(column.begin(), column.end(), [&](const Cell* cell) { return holds(*cell); });
}

/// Ours that a column's differences are of: one for all its rows.
Origin compared_in(const Column& column) {
  const bool measured =
      any_of(column, [](const Cell& c) { return c.compared == Origin::measured; });
  return measured ? Origin::measured : Origin::model;
}

double difference_in(const Cell& cell, Origin compared) {
  return cell.compared == compared ? cell.difference() : NAN;
}

std::vector<Sub> subs_of(const Frame& frame, const Column& column, Digits digits) {
  std::vector<Sub> subs;
  const Origin compared = compared_in(column);
  for (Origin origin : frame.origins) {
    if (!any_of(column, [&](const Cell& c) { return std::isfinite(c.value(origin)); })) continue;
    subs.push_back({Sub::Kind::value, origin});
    const bool errors = any_of(column, [](const Cell& c) { return std::isfinite(c.error); });
    if (digits == Digits::exact && origin == Origin::measured && errors)
      subs.push_back({Sub::Kind::error, origin});
    if (origin == compared &&
        any_of(column, [&](const Cell& c) { return std::isfinite(difference_in(c, compared)); }))
      subs.push_back({Sub::Kind::difference, origin});
  }
  if (digits == Digits::exact && frame.notes &&
      any_of(column, [](const Cell& c) { return !c.notes.empty(); }))
    subs.push_back({Sub::Kind::notes});
  return subs;
}

std::string exact(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

std::string text_of(const Cell& cell, const Sub& sub, Digits digits) {
  const bool all = digits == Digits::exact;
  const double value = cell.value(sub.origin);
  switch (sub.kind) {
    case Sub::Kind::difference: {
      const double difference = difference_in(cell, sub.origin);
      return all ? exact(100 * difference) : std::isfinite(difference) ? percent(difference) : "";
    }
    case Sub::Kind::error:
      return exact(100 * cell.error);
    case Sub::Kind::notes:
      return fmt::format("{}", fmt::join(cell.notes, " "));
    case Sub::Kind::value:
      break;
  }
  if (!std::isfinite(value)) return {};
  if (sub.origin == Origin::paper && !cell.printed.empty()) return cell.printed;
  if (all) return exact(value);
  const std::string shown = significant(value, cell.digits);
  return sub.origin == Origin::measured ? with_error(cell, shown) : shown;
}

/// The entries of one cell; its notes stand at its difference, or else at its last value.
void add_entries(const Cell* cell, const std::vector<Sub>& subs, bool notes, Digits digits,
                 std::vector<Entry>& entries) {
  const size_t first = entries.size();
  for (const Sub& sub : subs) entries.push_back({cell ? text_of(*cell, sub, digits) : "", {}});
  if (!cell || !notes || digits == Digits::exact) return;
  constexpr size_t kNowhere = -1;
  size_t noted = kNowhere;
  for (size_t i = 0; i < subs.size(); ++i)
    if (!entries[first + i].text.empty() &&
        (noted == kNowhere || subs[noted].kind != Sub::Kind::difference))
      noted = i;
  if (noted != kNowhere) entries[first + noted].notes = cell->notes;
}

/// Columns and rows in which nothing stands are left out.
Part part_of(const Frame& frame, Digits digits) {
  Part part{frame.title, frame.stub, {}, {}, {}};
  std::vector<std::vector<Sub>> subs;
  for (size_t c = 0; c < frame.headings.size(); ++c) {
    subs.push_back(subs_of(frame, column_of(frame, c), digits));
    if (subs.back().empty()) continue;
    Part::Column& column = part.columns.emplace_back(Part::Column{frame.headings[c], {}});
    for (const Sub& sub : subs.back()) column.subs.push_back(sub.heading());
  }
  for (const Part::HeadLine& line : frame.lines) {
    Part::HeadLine& kept = part.lines.emplace_back(Part::HeadLine{line.name, {}});
    for (size_t c = 0; c < subs.size(); ++c)
      if (!subs[c].empty()) kept.values.push_back(line.values[c]);
  }
  for (size_t r = 0; r < frame.rows.size(); ++r) {
    Part::Row row{frame.rows[r], {}};
    for (size_t c = 0; c < subs.size(); ++c)
      add_entries(frame.cells[r][c], subs[c], frame.notes, digits, row.entries);
    if (std::any_of(row.entries.begin(), row.entries.end(),
                    [](const Entry& entry) { return !entry.text.empty(); }))
      part.rows.push_back(std::move(row));
  }
  return part;
}

Frame papers_frame(const Table& table) {
  const PaperTable& paper = *table.paper;
  Frame frame{"", paper.stub};
  frame.origins = {Origin::paper, Origin::model, Origin::measured};
  frame.headings = paper.headings;
  const auto add_line = [&](const char* name, const std::vector<int64_t>& sizes) {
    Part::HeadLine line{name, {}};
    for (int64_t size : sizes) line.values.push_back(std::to_string(size));
    if (!sizes.empty()) frame.lines.push_back(std::move(line));
  };
  add_line("Frames", paper.column_frames);
  add_line("Sequence length", paper.column_tokens);
  for (const PaperRow& row : paper.rows) {
    frame.rows.push_back(row.stub);
    auto& cells = frame.cells.emplace_back();
    for (const std::string& column : paper.columns) cells.push_back(table.find(row.label, column));
  }
  return frame;
}

template <class Value>
size_t index_in(std::vector<Value>& known, const Value& value) {
  const auto found = std::find(known.begin(), known.end(), value);
  if (found != known.end()) return found - known.begin();
  known.push_back(value);
  return known.size() - 1;
}

/// Rows and columns of cells in the order in which they come.
Frame frame_of(const std::vector<const Cell*>& cells, std::vector<std::string> stub,
               const std::function<std::vector<std::string>(const Cell&)>& row_of_cell,
               const std::function<std::string(const Cell&)>& column_of_cell) {
  Frame frame{"", std::move(stub)};
  for (const Cell* cell : cells) {
    const size_t r = index_in(frame.rows, row_of_cell(*cell));
    const size_t c = index_in(frame.headings, column_of_cell(*cell));
    frame.cells.resize(frame.rows.size());
    for (auto& row : frame.cells) row.resize(frame.headings.size());
    frame.cells[r][c] = cell;
  }
  return frame;
}

/// The unit behind a heading where all cells below it have the same, and it is one.
void add_units(Frame& frame) {
  for (size_t c = 0; c < frame.headings.size(); ++c) {
    const Column column = column_of(frame, c);
    const std::string& unit = column.front()->unit;
    if (unit == "x" || unit == "1") continue;
    if (!any_of(column, [&](const Cell& cell) { return cell.unit != unit; }))
      frame.headings[c] += " (" + unit + ")";
  }
}

/// What the paper has no cell for.
Frame own_frame(const Table& table) {
  const PaperTable& paper = *table.paper;
  std::vector<const Cell*> cells;
  for (const Cell& cell : table.cells) {
    const bool row = std::any_of(paper.rows.begin(), paper.rows.end(),
                                 [&](const PaperRow& r) { return r.label == cell.row; });
    const auto column = std::find(paper.columns.begin(), paper.columns.end(), cell.column);
    if (!row || column == paper.columns.end()) cells.push_back(&cell);
  }
  const auto stub_of = [&](const Cell& cell) {
    std::vector<std::string> stub(paper.stub.size());
    stub.back() = cell.row;
    for (const PaperRow& row : paper.rows)
      if (row.label == cell.row) stub = row.stub;
    // What has no heading names the paper's quantity ("PFLOPs"), and these are others.
    if (stub.size() > 1 && paper.stub.front().empty()) stub.front().clear();
    return stub;
  };
  Frame frame = frame_of(cells, paper.stub, stub_of, [](const Cell& cell) { return cell.column; });
  frame.title = "Not in the paper's table";
  add_units(frame);
  return frame;
}

/// A row for each method, a column for each quantity.
Frame methods_frame(const Table& table) {
  std::vector<const Cell*> cells;
  for (const Cell& cell : table.cells) cells.push_back(&cell);
  return frame_of(
      cells, {"length", "method"},
      [](const Cell& cell) {
        return std::vector{cell.row, cell.column};
      },
      [](const Cell& cell) { return cell.unit; });
}

}  // namespace

std::string heading_of(Origin origin) {
  return origin == Origin::model ? "closed form" : to_string(origin);
}

std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  return std::abs(value) >= std::pow(10, digits) ? fmt::format("{:.0f}", value)
                                                 : fmt::format("{:.{}g}", value, digits);
}

std::string percent(double share) {
  if (!std::isfinite(share)) return "-";
  const std::string text = fmt::format("{:+.1f}%", 100 * share);
  return text == "-0.0%" || text == "+0.0%" ? "0.0%" : text;
}

std::string with_error(const Cell& cell, const std::string& value) {
  return std::isfinite(cell.error) ? fmt::format("{} ±{:.1f}%", value, 100 * cell.error) : value;
}

std::vector<Part> parts_of(const Table& table, Digits digits) {
  std::vector<Part> parts;
  const auto add = [&](const Frame& frame) {
    Part part = part_of(frame, digits);
    if (!part.rows.empty()) parts.push_back(std::move(part));
  };
  if (!table.paper) {
    add(methods_frame(table));
    return parts;
  }
  Frame frame = papers_frame(table);
  add(frame);
  frame.title = "Counted on executed plans";
  frame.origins = {Origin::balanced, Origin::skewed, Origin::workload};
  frame.notes = false;
  add(frame);
  add(own_frame(table));
  return parts;
}

std::vector<std::pair<std::string, std::string>> legend_of(const Table& table) {
  std::vector<std::pair<std::string, std::string>> legend;
  const auto any = [&](const std::function<bool(const Cell&)>& holds) {
    return std::any_of(table.cells.begin(), table.cells.end(), holds);
  };
  for (Origin origin : kOrigins)
    if (any([&](const Cell& cell) { return std::isfinite(cell.value(origin)); }))
      legend.emplace_back(heading_of(origin), note_text("legend." + to_string(origin)));
  if (any([](const Cell& cell) { return std::isfinite(cell.error); }))
    legend.emplace_back("±", note_text("legend.error"));
  if (any([](const Cell& cell) { return std::isfinite(cell.difference()); }))
    legend.emplace_back(kDifference, note_text("legend.difference"));
  return legend;
}

}  // namespace vidattn
