#pragma once

#include <cstdint>
#include <deque>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// How far a frame is a mixture (1-alpha)·a + alpha·b of two others, by least squares.
struct Mixture {
  double alpha = 0;
  double residual = 0;  ///< |frame - mixture| over |b - a|, Euclidean norms
};
Mixture mixture(const cv::Mat& a, const cv::Mat& b, const cv::Mat& frame);

/// Mean absolute difference (0 to 255) of two pictures (32FC3) of different shots; 0 where they may
/// be of one, for little changed, or in a small part, or only the light.
double shot_difference(const cv::Mat& a, const cv::Mat& b);

/// A stretch of frames that are mixtures of what lies before and behind it.
struct Blend {
  int64_t first = 0, last = 0;
  double difference = 0;  ///< of the two ends: mean absolute difference, 0 to 255
};

/// Dissolves in a stream of frames. Over windows of `window`, a half, a quarter … of it the two
/// ends are a and b; the window holds a blend when a and b differ in picture (kLeastDifference, and
/// in structure, so that a change of light is none) and all frames between are mixtures of them
/// whose alpha rises without a leap. Motion is none, because moved pixels are no mixtures, and
/// before and behind a blend it changes alpha less than the blend does.
class BlendDetector {
 public:
  /// 0 = finds nothing, but still answers mixed_frames().
  explicit BlendDetector(int64_t window) : window_(window) {}

  void push(const cv::Mat& frame);  ///< 8UC3 BGR
  /// Blends so far, ascending; overlapping windows are joined. Their frames are those that most of
  /// the windows around them say are mixed.
  std::vector<Blend> blends() const;
  /// Which of the last frames next to a cut at `cut` are mixtures of both sides; {first, last},
  /// with last < first for none. Frames from cut-3 on must be among the last few pushed.
  std::pair<int64_t, int64_t> mixed_frames(int64_t cut) const;

 private:
  /// What windows that overlap found together.
  struct Found {
    Blend hull;  ///< of what each of them found
    /// Of every frame from `begin` on: windows that have it inside, and those that call it mixed.
    int64_t begin = 0;
    std::vector<int> inside, mixed;

    void count(int64_t window_begin, int64_t window_end, const Blend& blend);
    Blend agreed() const;
  };

  void look_at(int64_t window);
  const cv::Mat& at(int64_t frame) const { return recent_[recent_.size() - (frames_ - frame)]; }

  int64_t window_;
  int64_t frames_ = 0;
  std::deque<cv::Mat> recent_;  ///< thumbnails, 32FC3
  std::vector<Found> found_;
};

}  // namespace vidattn
