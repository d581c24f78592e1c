#include "metrics/video/antialiased.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace vidattn {
namespace {

constexpr int kBits = 22;  // of a weight's fraction; 8 for the pixel and 2 to spare are left

/// What one pixel of the result is made of: neighbours from `first` on, with weights whose sum is
/// about 1.
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;
};

std::vector<Taps> taps_of(int from, int to) {
  // Reciprocals where Pillow has them: other roundings would change the last bit of a weight.
  const double scale = static_cast<double>(from) / to, reach = std::max(scale, 1.0);
  const double slope = 1 / reach;
  std::vector<Taps> all(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int end = std::min(from, static_cast<int>(centre + reach + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int j = taps.first; j < end; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs((j - centre + 0.5) * slope)));
      sum += weights.back();
    }
    const double gain = 1 / sum;
    for (const double weight : weights)
      taps.weights.push_back(static_cast<int32_t>(0.5 + weight * gain * (1 << kBits)));
  }
  return all;
}

/// One pixel; its neighbours lie `step` bytes apart from `from` on.
void mix(const Taps& taps, const uint8_t* from, size_t step, uint8_t* to) {
  constexpr int32_t kHalf = 1 << (kBits - 1);
  std::array<int32_t, 3> sum = {kHalf, kHalf, kHalf};
  for (const int32_t weight : taps.weights) {
    for (size_t c = 0; c < 3; ++c) sum[c] += weight * from[c];
    from += step;
  }
  for (size_t c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(std::min(sum[c] >> kBits, 255));
}

cv::Mat resize_along_rows(const cv::Mat& picture, int columns) {
  cv::Mat result(picture.rows, columns, CV_8UC3);
  const std::vector<Taps> all = taps_of(picture.cols, columns);
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < columns; ++x) {
      const Taps& taps = all[static_cast<size_t>(x)];
      mix(taps, picture.ptr(y, taps.first), 3, result.ptr(y, x));
    }
  return result;
}

cv::Mat resize_along_columns(const cv::Mat& picture, int rows) {
  cv::Mat result(rows, picture.cols, CV_8UC3);
  const std::vector<Taps> all = taps_of(picture.rows, rows);
  for (int y = 0; y < rows; ++y) {
    const Taps& taps = all[static_cast<size_t>(y)];
    for (int x = 0; x < picture.cols; ++x)
      mix(taps, picture.ptr(taps.first, x), picture.step, result.ptr(y, x));
  }
  return result;
}

}  // namespace

cv::Mat resize_antialiased(const cv::Mat& picture, cv::Size size) {
  // A direction in which nothing changes is left alone by a triangle of one pixel.
  return resize_along_columns(resize_along_rows(picture, size.width), size.height);
}

}  // namespace vidattn
