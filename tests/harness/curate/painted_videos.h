#pragma once

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "harness/workloads/media/video_file.h"
#include "tests/harness/files.h"

namespace vidattn::testing {

constexpr int kPaintedWidth = 320, kPaintedHeight = 180;
constexpr double kPaintedFps = 12;

/// A scene of rectangles that a camera pans over; every frame is sharp.
class PaintedScene {
 public:
  explicit PaintedScene(uint64_t seed, cv::Point step = {2, 0}) : step_(step) {
    cv::RNG random(seed);
    canvas_ = cv::Mat(kPaintedHeight + 160, kPaintedWidth + 240, CV_8UC3, colour(random));
    for (int i = 0; i < 70; ++i) {
      const cv::Rect box(random.uniform(0, canvas_.cols), random.uniform(0, canvas_.rows),
                         random.uniform(16, 90), random.uniform(40, 90));
      cv::rectangle(canvas_, box, colour(random), cv::FILLED);
    }
  }
  cv::Mat frame(int number) const {
    const cv::Point at = cv::Point(20, 20) + number * step_;
    return canvas_(cv::Rect(at, cv::Size(kPaintedWidth, kPaintedHeight))).clone();
  }

 private:
  static cv::Scalar colour(cv::RNG& random) {
    return {random.uniform(20., 235.), random.uniform(20., 235.), random.uniform(20., 235.)};
  }
  cv::Mat canvas_;
  cv::Point step_;
};

inline void paint_text(cv::Mat& frame, const std::string& text, cv::Point at, double size) {
  for (const bool inner : {false, true})
    cv::putText(frame, text, at, cv::FONT_HERSHEY_SIMPLEX, size, cv::Scalar::all(inner ? 255 : 0),
                inner ? 1 : 4, cv::LINE_AA);
}

inline void paint_logo(cv::Mat& frame) {
  cv::circle(frame, {24, 24}, 11, cv::Scalar::all(250), 4, cv::LINE_AA);
  cv::circle(frame, {24, 24}, 14, cv::Scalar::all(0), 2, cv::LINE_AA);
}

/// Frames of the scene with what is done to each.
template <class Change>
std::vector<cv::Mat> painted(const PaintedScene& scene, int count, Change change) {
  std::vector<cv::Mat> frames;
  for (int i = 0; i < count; ++i) {
    frames.push_back(scene.frame(i));
    change(frames.back(), i);
  }
  return frames;
}

inline std::vector<cv::Mat> painted(const PaintedScene& scene, int count) {
  return painted(scene, count, [](cv::Mat&, int) {});
}

/// One after the other, `overlap` frames dissolving from each into the next where it is not 0.
inline std::vector<cv::Mat> dissolved(std::vector<cv::Mat> first, const std::vector<cv::Mat>& then,
                                      size_t overlap) {
  const size_t at = first.size() - overlap;
  for (size_t i = 0; i < overlap; ++i) {
    const double share = (static_cast<double>(i) + 1) / (static_cast<double>(overlap) + 1);
    cv::addWeighted(first[at + i], 1 - share, then[i], share, 0, first[at + i]);
  }
  first.insert(first.end(), then.begin() + static_cast<std::ptrdiff_t>(overlap), then.end());
  return first;
}

inline void write_painted(const std::filesystem::path& path, const std::vector<cv::Mat>& frames) {
  VideoFile file(path, VideoCodec::mpeg4, kPaintedFps, frames.at(0).size());
  for (const cv::Mat& frame : frames) file.write(frame);
  file.commit();
}

}  // namespace vidattn::testing
