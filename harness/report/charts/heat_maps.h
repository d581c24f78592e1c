#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/host/programs/gnuplot.h"

namespace vidattn {

/// The recall of heads over the calls of a capture: a column for each head of the model, a row for
/// each layer or step, and in the cells means over the calls of both.
struct HeatMap {
  const char* axis;      ///< "layer" or "step"
  nlohmann::json calls;  ///< of one group, as add_calls() has them; those whose number is known
  std::string title, source;
};

/// None where the calls have nothing to show.
Drawing draw_heat_map(const HeatMap& map);

}  // namespace vidattn
