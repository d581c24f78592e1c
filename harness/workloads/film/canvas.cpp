#include "harness/workloads/film/canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

constexpr int kShift = 4;  // corners are given to OpenCV in 1/16 pixel, so motion is smooth
using std::numbers::pi;

}  // namespace

void Canvas::polygon(const std::vector<cv::Point2d>& corners, const Colour& colour) {
  // Corners far outside would overflow OpenCV's fixed point; nothing beyond this is visible.
  constexpr double kFar = 16000;
  std::vector<cv::Point> points;
  points.reserve(corners.size());
  for (const auto& corner : corners) {
    const cv::Point2d p = camera_.pixel(corner);
    points.emplace_back(cvRound(std::clamp(p.x, -kFar, kFar) * (1 << kShift)),
                        cvRound(std::clamp(p.y, -kFar, kFar) * (1 << kShift)));
  }
  if (identity_ != 0)
    cv::fillConvexPoly(target_, points, cv::Scalar(identity_), cv::LINE_8, kShift);
  else
    cv::fillConvexPoly(target_, points, colour, cv::LINE_AA, kShift);
}

void Canvas::box(double left, double top, double right, double bottom, const Colour& colour) {
  polygon({{left, top}, {right, top}, {right, bottom}, {left, bottom}}, colour);
}

void Canvas::ellipse(const cv::Point2d& centre, double rx, double ry, const Colour& colour,
                     double angle) {
  const double pixels = std::max(rx, ry) * camera_.scale;
  const int sides = std::clamp(static_cast<int>(pixels), 8, 40);
  const double c = std::cos(angle), s = std::sin(angle);
  std::vector<cv::Point2d> corners;
  for (int i = 0; i < sides; ++i) {
    const double x = rx * std::cos(2 * pi * i / sides), y = ry * std::sin(2 * pi * i / sides);
    corners.emplace_back(centre.x + c * x - s * y, centre.y + s * x + c * y);
  }
  polygon(corners, colour);
}

void Canvas::disc(const cv::Point2d& centre, double radius, const Colour& colour) {
  ellipse(centre, radius, radius, colour);
}

void Canvas::limb(const cv::Point2d& a, const cv::Point2d& b, double radius_a, double radius_b,
                  const Colour& colour) {
  const double length = std::hypot(b.x - a.x, b.y - a.y);
  if (length == 0) return disc(a, std::max(radius_a, radius_b), colour);
  const cv::Point2d normal((a.y - b.y) / length, (b.x - a.x) / length);
  polygon(
      {a + normal * radius_a, b + normal * radius_b, b - normal * radius_b, a - normal * radius_a},
      colour);
  disc(a, radius_a, colour);
  disc(b, radius_b, colour);
}

void Canvas::shadow(const cv::Point2d& centre, double rx, double ry, double darkness) {
  if (identity_ != 0) return;
  const cv::Point2d corner = camera_.pixel({centre.x - rx, centre.y - ry});
  const cv::Point2d size(2 * rx * camera_.scale, 2 * ry * camera_.scale);
  const cv::Rect area =
      cv::Rect(cvFloor(corner.x), cvFloor(corner.y), cvCeil(size.x) + 1, cvCeil(size.y) + 1) &
      cv::Rect(0, 0, target_.cols, target_.rows);
  if (area.empty()) return;
  cv::Mat region = target_(area);
  for (int y = 0; y < region.rows; ++y) {
    auto* row = region.ptr<cv::Vec3b>(y);
    const double v = ((area.y + y - corner.y) / size.y) * 2 - 1;
    for (int x = 0; x < region.cols; ++x) {
      const double u = ((area.x + x - corner.x) / size.x) * 2 - 1;
      const double keep = 1 - darkness * std::clamp(1.5 * (1 - u * u - v * v), 0.0, 1.0);
      for (int c = 0; c < 3; ++c) row[x][c] = static_cast<uint8_t>(row[x][c] * keep);
    }
  }
}

}  // namespace vidattn
