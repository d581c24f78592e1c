#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/host/programs/gnuplot.h"
#include "harness/report/charts/frame.h"

namespace vidattn {

/// What the head of a chart must know once it is drawn.
struct Drawn {
  ChartFrame frame = {};
  const char* note = "";  ///< what the title says beside what the chart shows
};

/// A chart of the report as a file. It adds nothing to plot where the cases have nothing for it.
struct ChartKind {
  const char* name;   ///< of the file
  const char* title;  ///< what it shows
  /// Of cases or, for a comparison, of its points.
  Drawn (*draw)(Drawing& drawing, const std::vector<nlohmann::json>& cases);
  bool compares = false;       ///< drawn for comparisons_of(), else for panels
  bool equal_density = false;  ///< without the cases that missed the density asked for
};

/// Charts of points, and charts with a case a row.
const std::vector<ChartKind>& plane_charts();
const std::vector<ChartKind>& row_charts();

}  // namespace vidattn
