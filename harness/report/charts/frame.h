#pragma once

#include <string>

#include "harness/host/programs/gnuplot.h"

namespace vidattn {

/// Size of a chart in pixels, for a slide, and of its letters in points.
struct ChartSize {
  static constexpr int kWidth = 900, kHeight = 506, kFont = 13;
  static constexpr int kAbove = 62, kBelow = 58;  ///< what of the height a plot leaves
};

/// Where the plot lies in a picture.
struct ChartFrame {
  double left = 0;                  ///< where it begins, as a share of the width
  int height = ChartSize::kHeight;  ///< of the whole picture without notes, in pixels
  int below = ChartSize::kBelow;    ///< of it, for the axis and what stands under that
};

/// Lines above a chart, from the picture's left edge on: what it shows, where that is from in
/// smaller letters, and a note, empty for none, in as many lines as it takes. Sets the picture's
/// height and the place of the plot in it.
void plot_head(Drawing& drawing, const ChartFrame& frame, const std::string& title,
               const std::string& source, const std::string& note);

}  // namespace vidattn
