#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/video/tracking.hpp>
#include <string>
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

/// Makes the frame halfway between two, for MotionSmoothness.
class MiddleFrame {
 public:
  virtual ~MiddleFrame() = default;
  virtual std::string score() const = 0;     ///< the name of the score that it gives
  virtual std::string protocol() const = 0;  ///< in one line
  /// Why nothing can be made of frames like this one; empty = it can.
  virtual std::string impossible(const cv::Mat& /*frame*/) const { return {}; }
  /// 8UC3 BGR all three. `before` is what was `after` in the call before.
  virtual cv::Mat between(const cv::Mat& before, const cv::Mat& after) = 0;
};

/// VBench's motion smoothness: odd frames are dropped and interpolated from their even neighbours;
/// the score is 1 - mean |frame - interpolated|/255 over all pixels, channels and dropped frames.
/// The series has the score of every dropped frame; details "within_shots" leaves out those with a
/// cut between the neighbours.
class MotionSmoothness : public VideoMetric {
 public:
  /// "motion_smoothness.dis", with DIS flow in AMT's place: half of the linear blend of both flows
  /// leads each neighbour to the middle (Jiang et al. 2018), and both are averaged.
  MotionSmoothness();
  explicit MotionSmoothness(std::unique_ptr<MiddleFrame> middle) : middle_(std::move(middle)) {}

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  std::unique_ptr<MiddleFrame> middle_;
  int64_t frames_ = 0;
  std::string impossible_;
  cv::Mat even_, odd_;
  int even_shot_ = 0;
  double within_ = 0;
  int64_t within_count_ = 0;
  std::vector<double> series_;
};

/// Measures how much moves between two frames, for DynamicDegree.
class PairMotion {
 public:
  virtual ~PairMotion() = default;
  virtual std::string score() const = 0;     ///< the name of the score that it gives
  virtual std::string protocol() const = 0;  ///< in one line
  virtual std::string impossible(const cv::Mat& /*frame*/) const { return {}; }
  /// Mean of the largest 5% of the magnitudes of the flow, in pixels of the frames (8UC3 BGR).
  /// `from` is what was `to` in the call before.
  virtual double top_magnitude(const cv::Mat& from, const cv::Mat& to) = 0;
  /// Factor of the motion that is asked for where frames follow each other at that rate.
  virtual double gain(double /*fps*/) const { return 1; }
};

/// Mean of the largest 5%, rounded down, of magnitudes.
double mean_of_top(std::vector<float> magnitudes);

/// VBench's dynamic degree. Every round(fps/8)-th frame is taken; a pair moves when the mean of its
/// largest 5% of flow magnitudes exceeds 6·(shorter side/256); the video is dynamic (1, else 0)
/// when at least round(4·n/16) pairs of its n taken frames move. Halves round to even. The series
/// has the magnitude of every pair; details "within_shots" is the answer without pairs across cuts.
class DynamicDegree : public VideoMetric {
 public:
  /// "dynamic_degree.dis", with DIS flow in RAFT's place; below 8 frames per second the threshold
  /// grows by 8/fps. 0 or less = unknown: every frame is taken, and the threshold is that of 8
  /// frames per second. So VBench does with folders of frames.
  explicit DynamicDegree(double fps);
  DynamicDegree(double fps, std::unique_ptr<PairMotion> motion);
  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  std::unique_ptr<PairMotion> motion_;
  double fps_;
  int64_t interval_;
  int64_t frames_ = 0, taken_ = 0;
  std::string impossible_;
  double threshold_ = 0;
  cv::Mat last_;
  int shot_ = 0;
  int64_t moving_ = 0, moving_within_ = 0;
  std::vector<double> series_;
};

}  // namespace vidattn
