#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics/shots/boundary.h"

namespace vidattn {

/// A boundary as the detectors see it: the content rule, which also finds fades and dissolves, the
/// adaptive one, which is not taken in by motion, and TransNetV2 where it is there. Where they
/// agree on a cut without mixed frames it is clean; everything else overlaps, or is doubtful, and
/// frames around it are left out. To agree takes both rules, or with TransNetV2 that and one of
/// them.
struct JointBoundary {
  Boundary boundary;
  bool content = false, adaptive = false;  ///< which found it
  std::optional<bool> transnet = {};       ///< nothing = it was not asked

  bool agreed() const;
  bool clean() const { return agreed() && boundary.clean(); }
  /// "cut, clean", "gradual, overlapped", "cut, found by content only".
  std::string label() const;
};

/// All boundaries of any, ascending. Cuts within two frames of each other are one, and so are a cut
/// inside of a transition, and transitions that share frames, of which all count. `trim` frames
/// more on both sides are left out where one is not clean. `transnet`: nothing = it was not asked.
std::vector<JointBoundary> join_boundaries(
    const std::vector<Boundary>& content, const std::vector<Boundary>& adaptive, int64_t trim,
    int64_t frames, const std::optional<std::vector<Boundary>>& transnet = {});

}  // namespace vidattn
