#pragma once

#include <cstdint>
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

/// Of columns of heads, head h from h - 0.5 to h + 0.5: a number below the middle of every column,
/// or of every few where they are many.
void set_head_axis(Drawing& drawing, int64_t heads);

/// None where the calls have nothing to show.
Drawing draw_heat_map(const HeatMap& map);

}  // namespace vidattn
