#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "metrics/shots/boundary.h"

namespace vidattn {

/// Finds shots in a stream of frames.
class ShotFinder {
 public:
  virtual ~ShotFinder() = default;

  /// The next frame, 8UC3 BGR; all frames must be of one size.
  virtual void push(const cv::Mat& frame) = 0;
  /// Boundaries so far, ascending. A transition at the start of the video has frame 0 and one at
  /// its end the number of frames.
  virtual std::vector<Boundary> boundaries() const = 0;
  /// What would be boundaries were they not too close to one of those, ascending. None lies inside
  /// a transition of boundaries().
  virtual std::vector<Boundary> suppressed() const { return {}; }
};

}  // namespace vidattn
