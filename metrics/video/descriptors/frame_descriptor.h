#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// What a frame looks like, of unit length, so that a dot product is a cosine; all zero = nothing
/// to describe (an empty region).
using Feature = std::vector<float>;

/// Turns frames into features. Stateless: may be asked for from several threads.
class FrameDescriptor {
 public:
  virtual ~FrameDescriptor() = default;
  /// In the names of scores: "hsv_lbp_vlad", "dino".
  virtual std::string name() const = 0;
  /// Backbone and preprocessing in one line.
  virtual std::string protocol() const = 0;
  /// One feature for every region. `frame` is 8UC3 BGR; a region is 8UC1 of its size, where not
  /// zero belongs to it, and an empty Mat is the whole frame.
  virtual std::vector<Feature> describe(const cv::Mat& frame,
                                        const std::vector<cv::Mat>& regions) const = 0;
};

}  // namespace vidattn
