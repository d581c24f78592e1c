#include <algorithm>
#include <cmath>
#include <map>

#include "harness/report/charts/charts.h"
#include "harness/report/charts/marks.h"
#include "harness/report/charts/plane.h"
#include "harness/report/charts/records.h"

namespace vidattn {
namespace {

using nlohmann::json;
using Cases = std::vector<json>;

ChartPoint chart_point(const json& c, const char* label, double x, double y) {
  return {.method = c["method"], .label = c[label], .x = x, .y = y, .flaws = c["flaws"]};
}

std::vector<double> xs(const std::vector<ChartPoint>& points) {
  std::vector<double> values;
  for (const ChartPoint& p : points) values.push_back(p.x);
  return values;
}

std::vector<double> ys(const std::vector<ChartPoint>& points) {
  std::vector<double> values;
  for (const ChartPoint& p : points) values.push_back(p.y);
  return values;
}

void plot_front(Drawing& drawing, const std::vector<ChartPoint>& points) {
  std::vector<std::pair<double, double>> front;
  for (const ChartPoint& p : points)
    if (p.first) front.emplace_back(p.x, p.y);
  std::sort(front.begin(), front.end());
  Drawing::Rows rows;
  for (const auto& [x, y] : front) rows.push_back({x, y});
  if (rows.size() > 1)
    drawing.plot("$data{} with lines lc rgb '#8a929b' lw 1.4 dt 2 title 'front'",
                 drawing.data(rows));
}

void plot_whiskers(Drawing& drawing, const json& point) {
  const size_t row = drawing.data({{number_of(point["speedup"]), number_of(point["error"]),
                                    number_of(point["low"]), number_of(point["high"])}});
  drawing.plot("$data{} with xerrorbars ps 0 lw 1.4 lc rgb {} notitle", row,
               mark_of(point["method"]).colour);
}

Drawn draw_pareto(Drawing& drawing, const Cases& given) {
  std::vector<ChartPoint> points;
  std::vector<double> reached;
  for (const json& p : given) {
    points.push_back(chart_point(p, "name", number_of(p["speedup"]), number_of(p["error"])));
    ChartPoint& point = points.back();
    point.first = p["front"];
    if (p["low"].is_number()) {
      point.low = p["low"];
      point.high = p["high"];
    }
    for (const char* end : {"speedup", "low", "high"}) reached.push_back(number_of(p[end]));
  }
  Axis y = axis_around(ys(points), false);
  y.reversed = true;
  const Axis x = axis_around(reached, true);
  drawing.script(
      "set xlabel 'speedup over full attention'\n"
      "set ylabel 'relative L2 error, smaller is up'\nset grid lc rgb '#e4e7eb'\n");
  set_plane(drawing, x, y);
  plot_front(drawing, points);
  for (const json& p : given)
    if (p["low"].is_number()) plot_whiskers(drawing, p);
  plot_points(drawing, points, false);
  plot_flaws(drawing, points);
  plot_labels(drawing, points, x, y);
  return {{kPlaneLeft}};
}

/// Names the lines of methods that have several, each at its densest point.
void name_series(std::vector<ChartPoint>& points) {
  std::map<std::string, std::map<std::string, ChartPoint*>> ends;
  for (ChartPoint& p : points) {
    p.label.clear();
    ChartPoint*& end = ends[p.method][p.series];
    if (end == nullptr || p.x > end->x) end = &p;
  }
  for (auto& [method, series] : ends)
    if (series.size() > 1)
      for (auto& [name, end] : series) end->label = name;
}

/// A figure over the executed density, without full attention, which has none to choose.
Drawn draw_over_density(Drawing& drawing, const Cases& cases, const char* tag) {
  std::vector<ChartPoint> points;
  for (const json& c : cases) {
    if (c["method"] == "full" || !std::isfinite(metric_of(c, "density")) ||
        !std::isfinite(metric_of(c, tag)))
      continue;
    points.push_back(chart_point(c, "short", metric_of(c, "density"), metric_of(c, tag)));
    points.back().series = c["series"];
  }
  if (points.empty()) return {};
  drawing.script("set xlabel 'executed density'\nset grid lc rgb '#e4e7eb'\n");
  const Axis x = axis_around(xs(points), false), y = axis_around(ys(points), false);
  set_plane(drawing, x, y);
  name_series(points);
  plot_points(drawing, points, true);
  plot_flaws(drawing, points);
  plot_labels(drawing, points, x, y);
  return {{kPlaneLeft}};
}

Drawn draw_density_recall(Drawing& drawing, const Cases& cases) {
  drawing.script("set ylabel 'attention mass kept (recall)'\n");
  return draw_over_density(drawing, cases, "recall_mean");
}

Drawn draw_density_error(Drawing& drawing, const Cases& cases) {
  drawing.script("set ylabel 'relative L2 error'\n");
  return draw_over_density(drawing, cases, "relative_l2");
}

Drawn draw_density_speedup(Drawing& drawing, const Cases& cases) {
  drawing.script("set ylabel 'speedup over full attention'\n");
  return draw_over_density(drawing, cases, "speedup");
}

/// Highest of a figure over the cases; NaN where none has it.
double highest_of(const Cases& cases, const char* name) {
  double highest = NAN;
  for (const json& c : cases) highest = std::fmax(highest, number_of(c[name]));
  return highest;
}

void plot_roof(Drawing& drawing, double peak, double bandwidth) {
  if (std::isfinite(peak) && std::isfinite(bandwidth))
    drawing.plot(
        "x*{0:.6g} < {1:.6g} ? x*{0:.6g} : {1:.6g} lc rgb '#8a929b' lw 2 title 'measured roof'",
        bandwidth, peak);
  else if (std::isfinite(peak))
    drawing.plot("{:.6g} lc rgb '#8a929b' lw 2 title 'measured peak'", peak);
}

Drawn draw_roofline(Drawing& drawing, const Cases& cases) {
  constexpr double kGiga = 1e9;
  std::vector<ChartPoint> points;
  for (const json& c : cases)
    if (number_of(c["intensity"]) > 0 && metric_of(c, "flop_rate") > 0) {
      points.push_back(
          chart_point(c, "short", number_of(c["intensity"]), metric_of(c, "flop_rate") / kGiga));
      points.back().label = c["short"];
    }
  if (points.empty()) return {};
  const double peak = highest_of(cases, "peak") / kGiga;
  const double bandwidth = highest_of(cases, "bandwidth") / kGiga;
  std::vector<double> reached = xs(points), top = ys(points);
  for (const double part : {0.125, 1.0}) reached.push_back(part * peak / bandwidth);
  top.push_back(peak);
  const Axis x = axis_around(reached, true), y = axis_around(top, true);
  drawing.script(
      "set samples 400\nset xlabel 'FLOPs for each byte of q, k, v, o and index'\n"
      "set ylabel 'GFLOP/s'\nset grid lc rgb '#e4e7eb'\n");
  set_plane(drawing, x, y);
  plot_roof(drawing, peak, bandwidth);
  plot_points(drawing, points, false);
  plot_flaws(drawing, points);
  constexpr size_t kMostLabels = 20;  // more would be a thicket; the legend has the methods
  if (points.size() <= kMostLabels) plot_labels(drawing, points, x, y);
  return {{kPlaneLeft}};
}

}  // namespace

const std::vector<ChartKind>& plane_charts() {
  static const std::vector<ChartKind> kinds = {
      {"pareto", "speed against error", draw_pareto, true, true},
      {"density_recall", "recall over executed density", draw_density_recall},
      {"density_error", "error over executed density", draw_density_error},
      {"density_speedup", "speedup over executed density", draw_density_speedup},
      {"roofline", "FLOP/s over FLOPs per byte", draw_roofline}};
  return kinds;
}

}  // namespace vidattn
