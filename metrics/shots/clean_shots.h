#pragma once

#include <cstdint>
#include <vector>

#include "metrics/shots/boundary.h"

namespace vidattn {

/// A shot with the boundary that it begins with, if any. Frames of both ends belong to it.
struct CleanShot {
  int64_t first = 0, last = 0;
  int64_t clean_first = 0, clean_last = 0;  ///< without the frames of transitions; may be none
  std::vector<Boundary> suppressed = {};    ///< too close for shots of their own
  const Boundary* begins_with = nullptr;
};

/// The shots of a video of so many frames. `boundaries` ascend and must outlive what is returned.
std::vector<CleanShot> clean_shots(const std::vector<Boundary>& boundaries, int64_t frames);

/// Makes a shot's clean frames their longest stretch that no suppressed boundary lies in: neither
/// a cut nor a flash, nor the first or last frame of another shot.
void leave_out(CleanShot& shot, const std::vector<Boundary>& suppressed);

}  // namespace vidattn
