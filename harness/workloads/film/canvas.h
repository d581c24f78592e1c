#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

using Colour = cv::Scalar;  ///< blue, green, red, 0 to 255

/// The colour `share` of the way from a to b.
inline Colour blend(const Colour& a, const Colour& b, double share) {
  return a * (1 - share) + b * share;
}

/// Where the film's world appears in the picture. World units: 1 is the picture's height at zoom 1,
/// y points down.
struct Camera {
  cv::Point2d centre;  ///< world point in the middle of the picture
  double scale = 1;    ///< pixels per world unit
  cv::Size size;       ///< of the picture, pixels

  cv::Point2d pixel(const cv::Point2d& world) const {
    return {(world.x - centre.x) * scale + size.width / 2.0,
            (world.y - centre.y) * scale + size.height / 2.0};
  }
};

/// Draws filled shapes of the world into a picture (anti-aliased) or into an identity mask (hard
/// edges), so that both come from the same geometry.
class Canvas {
 public:
  /// A picture (8UC3).
  Canvas(cv::Mat& image, const Camera& camera) : target_(image), camera_(camera) {}
  /// A mask (8UC1) in which everything drawn becomes `identity`.
  Canvas(cv::Mat& mask, const Camera& camera, uint8_t identity)
      : target_(mask), camera_(camera), identity_(identity) {}

  /// Convex, at least three corners.
  void polygon(const std::vector<cv::Point2d>& corners, const Colour& colour);
  void box(double left, double top, double right, double bottom, const Colour& colour);
  void ellipse(const cv::Point2d& centre, double rx, double ry, const Colour& colour,
               double angle = 0);
  void disc(const cv::Point2d& centre, double radius, const Colour& colour);
  /// A limb from a to b with round ends.
  void limb(const cv::Point2d& a, const cv::Point2d& b, double radius_a, double radius_b,
            const Colour& colour);
  /// Darkens an ellipse of a picture; no effect on a mask, for a shadow belongs to nobody.
  void shadow(const cv::Point2d& centre, double rx, double ry, double darkness);

 private:
  cv::Mat& target_;
  Camera camera_;
  uint8_t identity_ = 0;
};

}  // namespace vidattn
