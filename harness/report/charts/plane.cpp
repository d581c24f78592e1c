#include "harness/report/charts/plane.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "harness/io/text/shortened.h"
#include "harness/report/charts/flaws.h"
#include "harness/report/charts/label_layout.h"
#include "harness/report/charts/marks.h"

namespace vidattn {
namespace {

// The plane's place in the chart, in pixels.
constexpr Box kPlane{84, ChartSize::kAbove, ChartSize::kWidth - 190,
                     ChartSize::kHeight - ChartSize::kBelow};
constexpr double kLabelPoints = 12, kLineHeight = 16;  // of labels
constexpr size_t kLongestLabel = 30, kLongestName = 20;

double scaled(const Axis& axis, double value) { return axis.logarithmic ? std::log(value) : value; }

/// Share of the way from the low end to the high one.
double share(const Axis& axis, double value) {
  const double low = scaled(axis, axis.low), high = scaled(axis, axis.high);
  const double part = (scaled(axis, value) - low) / (high - low);
  return axis.reversed ? 1 - part : part;
}

double value_at(const Axis& axis, double part) {
  if (axis.reversed) part = 1 - part;
  const double low = scaled(axis, axis.low), high = scaled(axis, axis.high);
  const double value = low + part * (high - low);
  return axis.logarithmic ? std::exp(value) : value;
}

struct Scale {
  const Axis &x, &y;

  double left(double value) const {
    return kPlane.left + share(x, value) * (kPlane.right - kPlane.left);
  }
  double top(double value) const {
    return kPlane.bottom - share(y, value) * (kPlane.bottom - kPlane.top);
  }
  double x_at(double left) const {
    return value_at(x, (left - kPlane.left) / (kPlane.right - kPlane.left));
  }
  double y_at(double top) const {
    return value_at(y, (kPlane.bottom - top) / (kPlane.bottom - kPlane.top));
  }
};

/// The nearest point of a label to its mark.
std::pair<double, double> end_of_leader(const Named& point, const Box& label) {
  return {std::clamp(point.x, label.left, label.right),
          std::clamp(point.y, label.top, label.bottom)};
}

void plot_leader(Drawing& drawing, const Scale& scale, const Named& point, const Box& label) {
  const auto [x, y] = end_of_leader(point, label);
  const size_t line =
      drawing.data({{scale.x_at(point.x), scale.y_at(point.y)}, {scale.x_at(x), scale.y_at(y)}});
  drawing.plot("$data{} with lines lc rgb '#aab0b8' lw 0.8 notitle", line);
}

}  // namespace

int point_type(const Mark& mark) {
  constexpr int kFilled[] = {7, 5, 9, 13}, kHollow[] = {6, 4, 8, 12};
  return mark.filled ? kFilled[mark.shape] : kHollow[mark.shape];
}

const double kPlaneLeft = kPlane.left / ChartSize::kWidth;

Axis axis_around(const std::vector<double>& values, bool logarithmic) {
  double low = INFINITY, high = -INFINITY;
  for (const double v : values)
    if (std::isfinite(v) && (v > 0 || !logarithmic)) {
      low = std::min(low, v);
      high = std::max(high, v);
    }
  if (!std::isfinite(low)) return {.low = 1, .high = 10, .logarithmic = logarithmic};
  if (logarithmic) return {.low = low / 1.25, .high = high * 1.25, .logarithmic = true};
  return {.low = 0, .high = high > 0 ? 1.08 * high : 1};
}

void set_axis(Drawing& drawing, char name, const Axis& axis) {
  drawing.script("set {}range [{:.6g}:{:.6g}]\n", name, axis.reversed ? axis.high : axis.low,
                 axis.reversed ? axis.low : axis.high);
  if (!axis.logarithmic) return;
  drawing.script("set logscale {0}\nset format {0} '%g'\nset {0}tics (1)\n", name);
  const auto decade = [](double value) {
    constexpr double kMostDecades = 300;
    return static_cast<int>(std::clamp(std::floor(std::log10(value)), -kMostDecades, kMostDecades));
  };
  const bool long_way = axis.high > 20 * axis.low;
  for (int power = decade(axis.low); power <= decade(axis.high); ++power)
    for (const int digit : {1, 2, 3, 5, 7})
      if (!long_way || digit == 1 || digit == 2 || digit == 5)
        drawing.script("set {}tics add ({:.6g})\n", name, digit * std::pow(10, power));
}

void set_plane(Drawing& drawing, const Axis& x, const Axis& y) {
  drawing.script("set lmargin at screen {:.4f}\nset rmargin at screen {:.4f}\n",
                 kPlane.left / ChartSize::kWidth, kPlane.right / ChartSize::kWidth);
  constexpr double kGap = 14;  // beside the legend, whose width gnuplot only guesses
  drawing.script(
      "set key at screen {:.4f},graph 1 left top Left reverse samplen 1.5 spacing key_spacing "
      "maxcols 1 font ',12'\n",
      (kPlane.right + kGap) / ChartSize::kWidth);
  set_axis(drawing, 'x', x);
  set_axis(drawing, 'y', y);
}

std::string legend_name(const std::string& method) {
  return shortened(method, kLongestName) + (is_ceiling(method) ? " (ceiling)" : "");
}

/// A second column of the legend would lie on the data, so that many names are close and small
/// ones, and long ones, too. Beside methods it names a line and flaws.
void fit_legend(Drawing& drawing, const std::vector<ChartPoint>& points) {
  constexpr size_t kFar = 18;  // names as far apart as usual
  constexpr double kFont = 12, kSmallest = 5, kFontOfAll = 300;
  constexpr double kRoom = ChartSize::kWidth - kPlane.right - 55;  // pixels, beside the marks
  std::set<std::string> names{"the line"};
  double widest = 1;
  for (const ChartPoint& p : points) {
    names.insert(legend_name(p.method));
    names.insert(p.flaws.begin(), p.flaws.end());
  }
  for (const std::string& name : names) widest = std::max(widest, text_width(name, kFont));
  const double font =
      std::min({kFont, kFontOfAll / static_cast<double>(names.size()), kFont * kRoom / widest});
  if (font < kFont) drawing.script("set key font ',{:.1f}'\n", std::max(font, kSmallest));
  if (names.size() > kFar) drawing.script("set key spacing 0.9\n");
}

void plot_points(Drawing& drawing, std::vector<ChartPoint> points, bool joined) {
  fit_legend(drawing, points);
  std::stable_sort(points.begin(), points.end(), [](const ChartPoint& a, const ChartPoint& b) {
    return std::tie(a.method, a.series, a.x) < std::tie(b.method, b.series, b.x);
  });
  for (size_t i = 0; i < points.size();) {
    const std::string method = points[i].method;
    const Mark mark = mark_of(method);
    const bool ceiling = is_ceiling(method);
    Drawing::Rows rows{{legend_name(method)}};
    for (const size_t first = i; i < points.size() && points[i].method == method; ++i) {
      if (i > first && points[i].series != points[i - 1].series)
        rows.emplace_back();  // parts lines
      rows.push_back({points[i].x, points[i].y});
    }
    const size_t block = drawing.data(rows);
    const double size = mark.shape == 0 ? 1.1 : 1.3;
    if (joined)
      drawing.plot(
          "$data{} with linespoints lw 1.6 dt {} lc rgb {} pt {} ps {}*mark_scale title "
          "columnheader(1)",
          block, ceiling ? 2 : 1, mark.colour, point_type(mark), size);
    else
      drawing.plot(
          "$data{} with points lw 1.6 lc rgb {} pt {} ps {}*mark_scale title columnheader(1)",
          block, mark.colour, point_type(mark), size);
  }
}

void plot_flaws(Drawing& drawing, const std::vector<ChartPoint>& points) {
  for (const Flaw& flaw : kFlaws) {
    Drawing::Rows rows{{std::string(flaw.name)}};
    for (const ChartPoint& p : points)
      if (std::find(p.flaws.begin(), p.flaws.end(), flaw.name) != p.flaws.end())
        rows.push_back({p.x, p.y});
    if (rows.size() == 1) continue;
    drawing.plot(
        "$data{} with points lw 1.2 lc rgb '#59636e' pt {} ps 2.6*mark_scale title columnheader(1)",
        drawing.data(rows), flaw.frame);
  }
}

void plot_labels(Drawing& drawing, std::vector<ChartPoint> points, const Axis& x, const Axis& y) {
  std::stable_partition(points.begin(), points.end(), [](const ChartPoint& p) { return p.first; });
  const Scale scale{x, y};
  std::vector<Named> named;
  for (ChartPoint& p : points) {
    p.label = shortened(p.label, kLongestLabel);
    named.push_back({.x = scale.left(p.x),
                     .y = scale.top(p.y),
                     .width = text_width(p.label, kLabelPoints),
                     .height = kLineHeight,
                     .left = scale.left(p.low),
                     .right = scale.left(p.high)});
  }
  const auto places = place_labels(named, kPlane);
  Drawing::Rows texts;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!places[i] || points[i].label.empty()) continue;
    if (needs_leader(named[i], *places[i])) plot_leader(drawing, scale, named[i], *places[i]);
    texts.push_back({scale.x_at((places[i]->left + places[i]->right) / 2),
                     scale.y_at((places[i]->top + places[i]->bottom) / 2), points[i].label});
  }
  if (texts.empty()) return;
  // A ground of their own keeps lines off the letters.
  drawing.script("set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.3,0.3\n");
  drawing.plot("$data{} with labels center boxed font ',12' notitle", drawing.data(texts));
}

}  // namespace vidattn
