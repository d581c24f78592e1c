#pragma once

#include <vector>

#include "harness/tables/project/project.h"

namespace vidattn {

/// A figure that is counted on a plan.
struct Figure {
  const char *tag, *header, *unit;  ///< unit of value()
  double scale;                     ///< to what the header says
  double (*value)(const PlanWork& work, TileShape tile);
};
const std::vector<Figure>& counted_figures();

/// A figure that is predicted for a device.
struct PredictedFigure {
  const char *tag, *unit;
  double (*value)(const DeviceProjection& projection);  ///< NaN where there is none
};
const std::vector<PredictedFigure>& predicted_figures();

}  // namespace vidattn
