#pragma once

#include <string>
#include <vector>

#include "harness/host/programs/gnuplot.h"
#include "harness/report/charts/frame.h"
#include "harness/report/charts/marks.h"

namespace vidattn {

/// An axis whose ends are known, without which labels could not be kept clear of each other.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  bool reversed = false;
};

/// From what is drawn to a little beyond it; from 0 where that is no logarithm.
Axis axis_around(const std::vector<double>& values, bool logarithmic);

/// A point of a chart, whatever its axes mean.
struct ChartPoint {
  std::string method;
  std::string label;
  double x = 0, y = 0;
  std::string series = {};              ///< a line joins the points of one
  bool first = false;                   ///< chooses the place of its label before the others
  double low = x, high = x;             ///< ends of its whiskers
  std::vector<std::string> flaws = {};  ///< names of Flaw
};

/// Where the plot begins in a chart of points, as a share of the width.
extern const double kPlaneLeft;

/// Sets the range of an axis, 'x' or 'y', and where it has numbers: gnuplot has them at powers of
/// ten alone on a logarithmic one.
void set_axis(Drawing& drawing, char name, const Axis& axis);

/// Sets axes and the margins at the sides; a legend of methods has its place on the right.
void set_plane(Drawing& drawing, const Axis& x, const Axis& y);

/// gnuplot's number of a mark.
int point_type(const Mark& mark);

/// The points of each method under its mark, the legend with the methods' names. `joined`: a line
/// from left to right through those of each series.
void plot_points(Drawing& drawing, std::vector<ChartPoint> points, bool joined);

/// A frame around each point that has a flaw, of another shape for each, and the flaw in the
/// legend.
void plot_flaws(Drawing& drawing, const std::vector<ChartPoint>& points);

/// Names of the points in a plane that set_plane() has set, where they cover nothing; a line leads
/// to those further off. Names that have no place are left to the legend.
void plot_labels(Drawing& drawing, std::vector<ChartPoint> points, const Axis& x, const Axis& y);

}  // namespace vidattn
