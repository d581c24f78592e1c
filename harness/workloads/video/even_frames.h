#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/workloads/media/frame_source.h"

namespace vidattn {

/// Whether frames stand within half a step of an even grid from the first to the last, so that
/// their number says when they are shown. `times` has the begin of every frame and the end of the
/// last, in s.
bool are_even(const std::vector<double>& times);

/// An even grid over frames of a variable rate. Its step is the median of theirs, and at every
/// instant it has the last frame that is due by then, give or take half a step: what a player
/// shows. So a frame that is held repeats, and frames faster than the median are left out.
struct EvenGrid {
  double fps = 0;
  std::vector<int64_t> sources;  ///< the file's frame at every instant, ascending

  /// First frames of the shots on the grid, from those in the file's own frames; a shot without a
  /// frame on the grid is none.
  std::vector<int64_t> shots(const std::vector<int64_t>& of_file) const;
};

/// `path` is for messages. Throws InputError where the grid would have more than 100 times as many
/// frames as the file.
EvenGrid even_grid(const std::vector<double>& times, const std::string& path);

/// The frames on the grid. A frame that repeats is the same picture, not to be written to.
std::unique_ptr<FrameSource> evenly(std::unique_ptr<FrameSource> frames, EvenGrid grid);

}  // namespace vidattn
