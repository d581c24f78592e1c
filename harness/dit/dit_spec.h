#pragma once

#include <cstdint>
#include <string>

namespace vidattn {

constexpr int64_t kDitSteps = 30;  ///< of the run that the workload's call is of
constexpr double kDitShift = 5;    ///< of its noise levels (steps_workload.h)
constexpr int64_t kDitLayer = 3;   ///< by default, or the last one of a network that has fewer

/// A call of a trained network, as typed: dit[:CHECKPOINT][@layer=3,step=12].
struct DitSpec {
  std::string checkpoint;  ///< file; empty = the model that the program carries
  int64_t layer = -1;      ///< -1 = the default
  int64_t step = 12;
};

/// Throws InputError for other text and for steps that there are not.
DitSpec parse_dit_spec(const std::string& spec);

}  // namespace vidattn
