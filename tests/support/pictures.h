#pragma once

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace vidattn::testing {

inline cv::Mat flat(int b, int g, int r, int rows = 72, int cols = 128) {
  return {rows, cols, CV_8UC3, cv::Scalar(b, g, r)};
}

/// A smooth coloured pattern, different for every seed; the same with every call.
inline cv::Mat pattern(int seed, int rows = 144, int cols = 256) {
  cv::RNG random(static_cast<uint64_t>(seed) + 1);
  cv::Mat coarse(rows / 12, cols / 12, CV_8UC3), fine;
  random.fill(coarse, cv::RNG::UNIFORM, 20, 236);
  cv::resize(coarse, fine, {cols, rows}, 0, 0, cv::INTER_CUBIC);
  return fine;
}

/// share of b over a.
inline cv::Mat mix(const cv::Mat& a, const cv::Mat& b, double share) {
  cv::Mat out;
  cv::addWeighted(a, 1 - share, b, share, 0, out);
  return out;
}

}  // namespace vidattn::testing
