#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/io/text/escape.h"
#include "harness/io/text/shortened.h"
#include "harness/report/charts/charts.h"
#include "harness/report/charts/heat_maps.h"
#include "harness/report/charts/label_layout.h"
#include "harness/report/charts/marks.h"
#include "harness/report/charts/plane.h"
#include "harness/report/charts/records.h"

namespace vidattn {
namespace {

using nlohmann::json;
using Cases = std::vector<json>;

constexpr double kHalfRow = 0.36;

double name_width(const std::string& name) { return text_width(name, ChartSize::kFont); }

/// At most `most` letters of a text, fewer where they do not fit into `room` pixels in letters of
/// so many points, but not below `least`.
std::string fitted(const std::string& text, double room, double points, size_t least, size_t most) {
  while (most > least && text_width(shortened(text, most), points) > room) --most;
  return shortened(text, most);
}

/// What a row is called, with what its numbers lack; the chart's half is left to the plot.
std::string row_name(const json& c) {
  constexpr double kWidest = 0.47 * ChartSize::kWidth;
  std::string flaws;
  for (const json& flaw : c["flaws"]) flaws += fmt::format(" ({})", flaw.get<std::string>());
  return fitted(c["short"], kWidest - name_width(flaws), ChartSize::kFont, 8, 34) + flaws;
}

/// Where the plot begins: right of the longest name.
double right_of(const std::vector<std::string>& names) {
  constexpr double kAround = 22;  // pixels
  double widest = 0;
  for (const std::string& name : names) widest = std::max(widest, name_width(name));
  return (kAround + widest) / ChartSize::kWidth;
}

constexpr int kRow = 26;       // pixels of a row of one line
constexpr double kEdge = 0.7;  // rows from the first's and the last's middle to the plot's edge

/// One case a row, the first on top, their names to the left; `at` lies on the x axis.
ChartFrame set_rows(Drawing& drawing, const Cases& cases, double at, int row = kRow) {
  constexpr int kAround = 70;  // pixels beside the rows, for a legend and for colours, too
  std::vector<std::string> names;
  for (const json& c : cases) names.push_back(row_name(c));
  Drawing::Rows rows;
  for (const std::string& name : names)
    rows.push_back({at, static_cast<double>(rows.size()), name});
  const double left = right_of(names);
  drawing.script(
      "set lmargin at screen {:.4f}\nset yrange [{:.2f}:-{:.2f}]\nset ytics scale "
      "0\nset grid x lc rgb '#e4e7eb'\n"
      "set key outside right top Left reverse samplen 1.5 spacing key_spacing maxcols 1 font "
      "',12'\nset style fill "
      "solid\n",
      left, static_cast<double>(rows.size()) - 1 + kEdge, kEdge);
  drawing.plot("$data{} using 1:2:ytic(3) with points ps 0 notitle", drawing.data(rows));
  const int plot = kAround + row * static_cast<int>(cases.size());
  return {left, ChartSize::kAbove + plot + ChartSize::kBelow};
}

/// Pixels of a row of so many, which set_rows() has set.
double height_of_row(const ChartFrame& frame, size_t rows) {
  return (frame.height - ChartSize::kAbove - frame.below) /
         (static_cast<double>(rows) - 1 + 2 * kEdge);
}

/// An axis of bars from 0 to `most`, with at most six numbers: gnuplot has them overlap.
void set_bar_axis(Drawing& drawing, double most) {
  const double rough = most / 3, decade = std::pow(10, std::floor(std::log10(rough)));
  const double step = rough > 5 * decade ? 5 : rough > 2 * decade ? 2 : 1;
  drawing.script("set xrange [0:{:.6g}]\n", 1.04 * most);
  if (decade > 0) drawing.script("set xtics {:.6g}\n", step * decade);
}

/// A bar's row of data for boxxyerror: middle, row, ends.
std::vector<Drawing::Cell> bar(double from, double to, double top, double bottom) {
  return {(from + to) / 2, (top + bottom) / 2, from, to, top, bottom};
}

void plot_bars(Drawing& drawing, Drawing::Rows rows, const char* name, uint32_t colour) {
  if (rows.empty()) return;
  rows.insert(rows.begin(), {std::string(name)});
  drawing.plot("$data{} with boxxyerror fs solid noborder lc rgb {} title columnheader(1)",
               drawing.data(rows), colour);
}

bool has_interval(const json& c) {
  return c["ratio"]["low"].is_number() && c["ratio"]["high"].is_number();
}

/// What the title says of the intervals of ratios.
const char* interval_note(const Cases& cases) {
  const auto known = std::count_if(cases.begin(), cases.end(), has_interval);
  return known == 0                  ? " (too few blocks for intervals)"
         : known < std::ssize(cases) ? ", with 95% intervals where there are blocks enough"
                                     : ", with 95% intervals";
}

double ratio_of(const json& c) { return c["ratio"]["ratio"]; }

Drawn draw_ratios(Drawing& drawing, const Cases& all) {
  Cases cases;
  std::copy_if(all.begin(), all.end(), std::back_inserter(cases),
               [](const json& c) { return c["ratio"].is_object(); });
  if (cases.empty()) return {};
  std::sort(cases.begin(), cases.end(),
            [](const json& a, const json& b) { return ratio_of(a) < ratio_of(b); });
  drawing.script(
      "set xlabel \"time over full attention's\"\n"
      "set arrow from 1, graph 0 to 1, graph 1 nohead dt 2\n");
  std::vector<double> ends{1};
  for (const json& c : cases)
    for (const char* end : {"ratio", "low", "high"}) ends.push_back(number_of(c["ratio"][end]));
  set_axis(drawing, 'x', axis_around(ends, true));
  const ChartFrame frame = set_rows(drawing, cases, ratio_of(cases.front()));
  for (size_t i = 0; i < cases.size(); ++i) {
    const json& r = cases[i]["ratio"];
    const bool known = has_interval(cases[i]);
    const size_t row = drawing.data(
        {{number_of(r["ratio"]), static_cast<double>(i), number_of(r[known ? "low" : "ratio"]),
          number_of(r[known ? "high" : "ratio"])}});
    const Mark mark = mark_of(cases[i]["method"]);
    drawing.plot("$data{} with xerrorbars pt {} ps 1.2*mark_scale lw 1.6 lc rgb {} notitle", row,
                 point_type(mark), mark.colour);
  }
  return {frame, interval_note(cases)};
}

constexpr double kTimesRight = 0.66;  // where bars of times end, as a share of the width
constexpr double kTimesPoints = 11;   // of the text to their right
constexpr int kTimesLine = 15;        // pixels of its lines

/// Times and names of a case's stages in lines, to the right of its bar.
std::vector<std::string> told_times(const json& times) {
  constexpr double kMilli = 1e3;
  constexpr double kRoom = (1 - kTimesRight) * ChartSize::kWidth - 10;
  std::string names;
  double planning = 0;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    planning += times[i]["seconds"].get<double>();
    if (i + 2 < times.size())
      names += (names.empty() ? ": " : ", ") + times[i]["name"].get<std::string>();
  }
  const std::string told = fmt::format("{:.3g} + {:.4g} ms{}", kMilli * planning,
                                       kMilli * times.back()["seconds"].get<double>(), names);
  return wrapped(printable(told), kRoom, kTimesPoints);
}

/// Texts of rows that are so many pixels high, in the middle of each, in lines.
void plot_told_times(Drawing& drawing, const std::vector<std::vector<std::string>>& told,
                     double row_height) {
  Drawing::Rows texts;
  for (size_t row = 0; row < told.size(); ++row) {
    const auto count = static_cast<double>(told[row].size());
    double y = static_cast<double>(row) - (count - 1) / 2 * kTimesLine / row_height;
    for (const std::string& line : told[row]) {
      texts.push_back({1.0, y, line});
      y += kTimesLine / row_height;
    }
  }
  drawing.plot("$data{} axes x2y1 with labels left offset 0.6,0 font ',{}' notitle",
               drawing.data(texts), kTimesPoints);
}

struct Part {
  const char* name;
  uint32_t colour;
};

/// What the colours mean, in a line below the x axis: gnuplot's own legend would cover its title.
void plot_part_names(Drawing& drawing, const std::vector<Part>& parts, double rows_left) {
  constexpr double kFirst = 0.03, kWidth = 0.155, kSquare = 0.022;
  for (size_t i = 0; i < parts.size(); ++i) {
    const double left = kFirst + kWidth * static_cast<double>(i) - rows_left;
    drawing.plot(
        "$data{} axes x2y2 with labels left offset screen {:.4f},character -4.6 "
        "textcolor rgb {} font ',15' notitle",
        drawing.data({{0.0, 0.0, std::string("■")}}), left, parts[i].colour);
    drawing.plot(
        "$data{} axes x2y2 with labels left offset screen {:.4f},character -4.6 font ',12' notitle",
        drawing.data({{0.0, 0.0, std::string(parts[i].name)}}), left + kSquare);
  }
}

/// Planning's stages one after the other, then running. The stages have their colours by their
/// order, for every method has its own.
Drawn draw_times(Drawing& drawing, const Cases& all) {
  const std::vector<Part> parts = {{"1st stage", 0xDB7E03},        {"2nd stage", 0xF2B45C},
                                   {"3rd stage", 0x9A5A00},        {"later stages", 0xFAD9A8},
                                   {"rest of planning", 0xB3BAC2}, {"running", 0x4A6FA5}};
  const size_t rest = parts.size() - 2, running = parts.size() - 1;
  constexpr double kMilli = 1e3;
  Cases cases;
  std::copy_if(all.begin(), all.end(), std::back_inserter(cases),
               [](const json& c) { return !c["times"].empty(); });
  if (cases.empty()) return {};
  std::vector<Drawing::Rows> bars(parts.size());
  std::vector<std::vector<std::string>> told;
  size_t most_lines = 1;
  double longest = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const json& times = cases[i]["times"];
    const auto row = static_cast<double>(i);
    double from = 0;
    for (size_t part = 0; part < times.size(); ++part) {
      const double to = from + kMilli * times[part]["seconds"].get<double>();
      const size_t kind = part + 1 == times.size()   ? running
                          : part + 2 == times.size() ? rest
                                                     : std::min(part, rest - 1);
      bars[kind].push_back(bar(from, to, row - kHalfRow, row + kHalfRow));
      from = to;
    }
    told.push_back(told_times(times));
    most_lines = std::max(most_lines, told.back().size());
    longest = std::max(longest, from);
  }
  drawing.script("set xlabel 'planning and running (ms)'\n");
  set_bar_axis(drawing, longest);
  const int row_height = kRow + kTimesLine * static_cast<int>(most_lines - 1);
  ChartFrame frame = set_rows(drawing, cases, 0, row_height);
  drawing.script("set rmargin at screen {:.2f}\nset key off\n", kTimesRight);
  for (size_t kind = 0; kind < parts.size(); ++kind)
    plot_bars(drawing, bars[kind], parts[kind].name, parts[kind].colour);
  plot_part_names(drawing, parts, frame.left);
  plot_told_times(drawing, told, height_of_row(frame, cases.size()));
  constexpr int kPartNames = 40;
  frame.height += kPartNames;
  frame.below += kPartNames;
  return {frame};
}

/// Density of each head, where any case has several.
Drawn draw_heads(Drawing& drawing, const Cases& all) {
  Cases cases;
  std::copy_if(all.begin(), all.end(), std::back_inserter(cases),
               [](const json& c) { return c["heads"].size() > 1; });
  if (cases.empty()) return {};
  constexpr double kHalfHead = 0.48;  // a gap parts the heads
  Drawing::Rows cells;
  int64_t heads = 0;
  for (size_t i = 0; i < cases.size(); ++i)
    for (int64_t head = 0; head < std::ssize(cases[i]["heads"]); ++head) {
      heads = std::max(heads, head + 1);
      const auto middle = static_cast<double>(head), row = static_cast<double>(i);
      cells.push_back(bar(middle - kHalfHead, middle + kHalfHead, row - kHalfRow, row + kHalfRow));
      cells.back().push_back(cases[i]["heads"][head].get<double>());
    }
  set_head_axis(drawing, heads);
  drawing.script(
      "set cblabel 'density'\n"
      "set cbrange [0:1]\nset palette defined (0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', "
      "0.75 '#5ec962', 1 '#fde725')\n");
  const ChartFrame frame = set_rows(drawing, cases, -0.5);
  drawing.plot("$data{} using 1:2:3:4:5:6:7 with boxxyerror fs solid noborder lc palette notitle",
               drawing.data(cells));
  return {frame};
}

Drawn draw_memory(Drawing& drawing, const Cases& cases) {
  constexpr double kMebi = 1024.0 * 1024.0;
  constexpr uint32_t kIndex = 0xDB7E03, kExtra = 0x4A6FA5;
  Drawing::Rows index, extra;
  double most = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto row = static_cast<double>(i);
    const double indexed = metric_of(cases[i], "index_memory") / kMebi;
    const double beyond = metric_of(cases[i], "peak_extra_memory") / kMebi;
    if (std::isfinite(indexed)) index.push_back(bar(0, indexed, row - kHalfRow, row));
    most = std::fmax(most, std::fmax(indexed, beyond));
    if (std::isfinite(beyond)) extra.push_back(bar(0, beyond, row, row + kHalfRow));
  }
  if (index.empty() && extra.empty()) return {};
  drawing.script("set xlabel 'MiB'\n");
  set_bar_axis(drawing, most);
  const ChartFrame frame = set_rows(drawing, cases, 0);
  plot_bars(drawing, index, "index", kIndex);
  plot_bars(drawing, extra, "extra", kExtra);
  return {frame};
}

}  // namespace

const std::vector<ChartKind>& row_charts() {
  static const std::vector<ChartKind> kinds = {
      {"ratios", "time over full attention's", draw_ratios, false, true},
      {"times", "planning's stages and running", draw_times, false, true},
      {"heads", "density of each head", draw_heads},
      {"memory", "memory of index and run", draw_memory, false, true}};
  return kinds;
}

}  // namespace vidattn
