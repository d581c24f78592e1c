#pragma once

#include <cstdint>
#include <deque>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

namespace vidattn {

/// A stretch of frames in which a front moves over the picture, from the first to the last one that
/// may show both shots.
struct Wipe {
  int64_t first = 0, last = 0;
  double difference = 0;  ///< of what lies before and behind: mean absolute difference, 0 to 255
};

/// Wipes to the left, to the right, up and down in a stream of frames: over windows of 48, 24 and
/// 12 frames most columns, or most rows, change once, by a leap that stands out from what moves,
/// and when they do is a straight line over where they are; and the window's two ends are of
/// different shots (gradual.h). A pan is none, for its lines change in every frame, nor is a
/// dissolve, for they all change at once.
class WipeDetector {
 public:
  explicit WipeDetector(bool looks) : looks_(looks) {}

  void push(const cv::Mat& frame);  ///< 8UC3 BGR
  /// Wipes so far, ascending; overlapping ones are joined.
  const std::vector<Wipe>& wipes() const { return wipes_; }

 private:
  struct Step {
    cv::Mat thumbnail;           ///< 32FC3
    std::vector<float> changes;  ///< of every column, then of every row: from the frame before
  };
  using Front = std::pair<int64_t, int64_t>;  ///< frames that it moves in

  void look_at(int64_t window);
  std::optional<Front> front(int64_t begin, size_t first_line, size_t lines) const;
  const Step& at(int64_t frame) const { return recent_[recent_.size() - (frames_ - frame)]; }

  bool looks_;
  int64_t frames_ = 0;
  std::deque<Step> recent_;
  std::vector<Wipe> wipes_;
};

}  // namespace vidattn
