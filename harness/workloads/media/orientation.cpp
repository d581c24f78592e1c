#include "harness/workloads/media/orientation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace vidattn {

namespace {

// A point moves to x' = a·x + c·y, y' = b·x + d·y; the matrix is stored as a b u c d v x y w.
struct Turn {
  explicit Turn(const int32_t* m) : a(m[0]), b(m[1]), c(m[3]), d(m[4]) {}
  bool degenerate() const { return a * d == b * c; }

  int64_t a, b, c, d;
};

}  // namespace

Orientation display_orientation(const int32_t* matrix) {
  const Turn turn(matrix);
  const auto [a, b, c, d] = turn;
  if (turn.degenerate()) return {};
  if (std::llabs(a) + std::llabs(d) >= std::llabs(b) + std::llabs(c)) return {false, a < 0, d < 0};
  return {true, c < 0, b < 0};
}

std::string display_doubt(const int32_t* matrix) {
  constexpr double kRounding = 0.01;
  const Turn turn(matrix);
  if (turn.degenerate()) return "display matrix is degenerate: shown as stored";
  const int64_t along = std::max(std::llabs(turn.a), std::llabs(turn.d));
  const int64_t across = std::max(std::llabs(turn.b), std::llabs(turn.c));
  const auto [less, more] = std::minmax(along, across);
  if (static_cast<double>(less) <= kRounding * static_cast<double>(more)) return "";
  const double angle = std::atan2(static_cast<double>(turn.b), static_cast<double>(turn.a));
  return fmt::format("display matrix turns by {:.4g} degrees: shown by the nearest quarter turn",
                     angle * 180 / std::numbers::pi);
}

Orientation exif_orientation(int64_t value) {
  switch (value) {
    case 2:
      return {false, true, false};
    case 3:
      return {false, true, true};
    case 4:
      return {false, false, true};
    case 5:
      return {true, false, false};
    case 6:
      return {true, true, false};
    case 7:
      return {true, true, true};
    case 8:
      return {true, false, true};
    default:
      return {};
  }
}

std::optional<int64_t> orientation_tag(std::span<const uint8_t> tiff) {
  constexpr size_t kHeader = 8, kEntry = 12, kValue = 8;
  constexpr uint32_t kOrientation = 0x0112;
  if (tiff.size() < kHeader || tiff[0] != tiff[1]) return {};
  const bool little = tiff[0] == 'I';
  if (!little && tiff[0] != 'M') return {};
  const auto number = [&](size_t at, size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i)
      value |= uint32_t{tiff[at + i]} << 8 * (little ? i : bytes - 1 - i);
    return value;
  };
  const size_t directory = number(4, 4);
  if (directory > tiff.size() - 2) return {};
  const size_t entries = number(directory, 2);
  for (size_t i = 0, at = directory + 2; i < entries && at + kEntry <= tiff.size();
       ++i, at += kEntry)
    if (number(at, 2) == kOrientation) return number(at + kValue, 2);
  return {};
}

cv::Mat oriented(const cv::Mat& picture, const Orientation& orientation) {
  cv::Mat turned = picture;
  if (orientation.transposed) cv::transpose(picture, turned);
  constexpr int kX = 1, kY = 0, kBoth = -1;
  if (orientation.mirrored_x || orientation.mirrored_y) {
    cv::Mat flipped;
    const bool both = orientation.mirrored_x && orientation.mirrored_y;
    cv::flip(turned, flipped, both ? kBoth : orientation.mirrored_x ? kX : kY);
    return flipped;
  }
  return turned;
}

cv::Mat with_square_pixels(const cv::Mat& picture, const PixelAspect& pixels) {
  if (pixels.square() || picture.empty()) return picture;
  const double ratio = pixels.ratio();
  const cv::Size size(std::max(1, cvRound(picture.cols * std::min(1.0, ratio))),
                      std::max(1, cvRound(picture.rows / std::max(1.0, ratio))));
  cv::Mat shown;
  cv::resize(picture, shown, size, 0, 0, cv::INTER_AREA);
  return shown;
}

}  // namespace vidattn
