#pragma once

#include <opencv2/core.hpp>
#include <opencv2/video/tracking.hpp>
#include <vector>

#include "metrics/video/video_metric.h"

namespace vidattn {

/// Dense optical flow by OpenCV's DIS (Kroeger et al. 2016, preset "fast"), on luma whose shorter
/// side is shrunk to at most 240 pixels, because full size costs several times as much and hardly
/// changes the scores.
class Flow {
 public:
  Flow();
  /// Displacement of every pixel from one frame to the other, 32FC2 on the shrunk frame, in pixels
  /// of the shrunk frame. Both are 8UC1 of shrink()'s making.
  cv::Mat between(const cv::Mat& from, const cv::Mat& to);
  /// Luma of a BGR frame at flow size.
  static cv::Mat shrink(const cv::Mat& frame);
  /// The same of a frame's luma, 8UC1.
  static cv::Mat shrink_luma(const cv::Mat& luma);
  /// DIS needs some pixels for its coarsest level.
  static bool possible(const cv::Mat& frame);

 private:
  cv::Ptr<cv::DISOpticalFlow> dis_;
};

/// "motion_smoothness.dis": VBench's protocol with DIS flow in AMT's place. Odd frames are dropped
/// and interpolated from their even neighbours; the score is 1 - mean |frame - interpolated|/255
/// over all pixels, channels and dropped frames. Half of the linear blend of both flows leads each
/// neighbour to the middle (Jiang et al. 2018), and both are averaged. The series has the score of
/// every dropped frame; details "within_shots" leaves out those with a cut between the neighbours.
class MotionSmoothness : public VideoMetric {
 public:
  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  cv::Mat interpolate(const cv::Mat& next, const cv::Mat& next_small);

  Flow flow_;
  int64_t frames_ = 0;
  bool possible_ = true;
  cv::Mat even_, even_small_, odd_;
  int even_shot_ = 0;
  double within_ = 0;
  int64_t within_count_ = 0;
  std::vector<double> series_;
};

/// "dynamic_degree.dis": VBench's formula with DIS flow in RAFT's place. Every round(fps/8)-th
/// frame is taken; a pair moves when the mean of its largest 5% of flow magnitudes, in pixels of
/// the video, exceeds 6·(shorter side/256)·max(1, 8/fps); the video is dynamic (1, else 0) when at
/// least round(4·n/16) pairs of its n taken frames move. Halves round to even. The series has the
/// magnitude of every pair; details "within_shots" is the answer without pairs across cuts.
class DynamicDegree : public VideoMetric {
 public:
  /// 0 or less = unknown: every frame is taken, and the threshold is that of 8 frames per second.
  /// So VBench does with folders of frames.
  explicit DynamicDegree(double fps);
  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  Flow flow_;
  double fps_;
  int64_t interval_;
  int64_t frames_ = 0, taken_ = 0;
  bool possible_ = true;
  double threshold_ = 0;
  cv::Mat small_;
  int shot_ = 0;
  int64_t moving_ = 0, moving_within_ = 0;
  std::vector<double> series_;
};

}  // namespace vidattn
