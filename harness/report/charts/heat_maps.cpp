#include "harness/report/charts/heat_maps.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "harness/report/charts/plane.h"

namespace vidattn {
namespace {

using nlohmann::json;

struct Cell {
  double sum = 0;
  int64_t count = 0;
};

/// By the number of the axis, then by head of the model.
using Cells = std::map<int64_t, std::map<int64_t, Cell>>;

Cells cells_of(const HeatMap& map) {
  Cells cells;
  for (const json& call : map.calls) {
    auto& heads = cells[call[map.axis].get<int64_t>()];
    size_t place = 0;
    for (const json& recall : call["recall"]) {
      Cell& cell = heads[call["heads"].at(place++)];
      if (!recall.is_number()) continue;
      cell.sum += recall.get<double>();
      ++cell.count;
    }
  }
  return cells;
}

int64_t head_count(const Cells& cells) {
  int64_t count = 0;
  for (const auto& [number, heads] : cells)
    if (!heads.empty()) count = std::max(count, heads.rbegin()->first + 1);
  return count;
}

/// The first number on top.
void set_number_axis(Drawing& drawing, const Cells& cells, const char* axis) {
  Drawing::Rows names;
  for (const auto& [number, heads] : cells)
    names.push_back({0.0, static_cast<double>(names.size()), std::to_string(number)});
  if (axis == std::string("layer"))
    drawing.script("set ylabel 'layer'\n");
  else
    drawing.script("set ylabel 'step'\n");
  drawing.script("set yrange [{}.5:-0.5]\nset ytics scale 0 font ',11'\n", cells.size() - 1);
  drawing.plot("$data{} using 1:2:ytic(3) with points ps 0 notitle", drawing.data(names));
}

Drawing::Rows boxes(const Cells& cells) {
  constexpr double kHalf = 0.5;
  Drawing::Rows rows;
  double y = 0;
  for (const auto& [number, heads] : cells) {
    for (const auto& [head, cell] : heads) {
      const auto x = static_cast<double>(head);
      if (cell.count > 0)
        rows.push_back({x, y, x - kHalf, x + kHalf, y - kHalf, y + kHalf,
                        cell.sum / static_cast<double>(cell.count)});
    }
    ++y;
  }
  return rows;
}

int height_of(size_t rows) {
  constexpr int kRow = 22, kAround = 150;
  return std::max(ChartSize::kHeight / 2, kAround + kRow * static_cast<int>(rows));
}

}  // namespace

void set_head_axis(Drawing& drawing, int64_t heads) {
  constexpr int64_t kMostNumbers = 24;
  const int64_t step = (heads + kMostNumbers - 1) / kMostNumbers;
  drawing.script("set xlabel 'head'\nset xrange [-0.5:{}.5]\nset xtics 0,{} scale 0\n", heads - 1,
                 step);
}

Drawing draw_heat_map(const HeatMap& map) {
  const Cells cells = cells_of(map);
  Drawing drawing(ChartSize::kWidth, ChartSize::kHeight, ChartSize::kFont);
  const Drawing::Rows rows = boxes(cells);
  if (rows.empty()) return drawing;
  drawing.script(
      "set lmargin at screen {:.4f}\nset rmargin at screen 0.86\nset key off\n"
      "set cblabel 'recall'\nset cbrange [0:1]\nset palette defined (0 '#440154', 0.25 '#3b528b', "
      "0.5 '#21918c', 0.75 '#5ec962', 1 '#fde725')\n",
      kPlaneLeft);
  set_head_axis(drawing, head_count(cells));
  set_number_axis(drawing, cells, map.axis);
  drawing.plot("$data{} using 1:2:3:4:5:6:7 with boxxyerror fs solid noborder lc palette notitle",
               drawing.data(rows));
  plot_head(drawing, {kPlaneLeft, height_of(cells.size())}, map.title, map.source, {});
  return drawing;
}

}  // namespace vidattn
