#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/shots/shot_detection.h"

namespace vidattn {

/// A boundary as both detectors see it: the content rule, which also finds fades and dissolves, and
/// the adaptive one, which is not taken in by motion. Where they agree on a cut without mixed
/// frames it is clean; everything else overlaps, or is doubtful, and frames around it are left out.
struct JointBoundary {
  Boundary boundary;
  bool content = false, adaptive = false;  ///< which found it

  bool clean() const { return content && adaptive && boundary.clean(); }
  /// "cut, clean", "gradual, overlapped", "cut, found by content only".
  std::string label() const;
};

/// All boundaries of either, ascending. Cuts within two frames of each other are one, and so is a
/// cut inside of a transition. `trim` frames more on both sides are left out where one is not
/// clean.
std::vector<JointBoundary> join_boundaries(const std::vector<Boundary>& content,
                                           const std::vector<Boundary>& adaptive, int64_t trim,
                                           int64_t frames);

}  // namespace vidattn
