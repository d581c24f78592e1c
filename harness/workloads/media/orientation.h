#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <span>
#include <string>

namespace vidattn {

/// How stored pixels are laid out to be looked at: first the transposition, then the mirrors.
struct Orientation {
  bool transposed = false, mirrored_x = false, mirrored_y = false;
  bool operator==(const Orientation&) const = default;
};

/// Of a display matrix as FFmpeg has it, nine 16.16 and 2.30 fixed-point numbers; angles in between
/// become the nearest quarter turn, and a matrix that squeezes the picture to a line is none.
Orientation display_orientation(const int32_t* matrix);

/// What of the matrix that does not follow, as a note; empty = nothing.
std::string display_doubt(const int32_t* matrix);

/// Of Exif's tag 0x0112, 1 to 8; other values mean upright.
Orientation exif_orientation(int64_t value);

/// Value of that tag in a TIFF structure, which is what Exif is stored as, too. Nothing where it is
/// not one or has no such tag.
std::optional<int64_t> orientation_tag(std::span<const uint8_t> tiff);

/// The picture as it is to be looked at.
cv::Mat oriented(const cv::Mat& picture, const Orientation& orientation);

/// How wide a pixel is shown to how high, 4 to 3 or the like; both are 1 or more.
struct PixelAspect {
  int64_t width = 1, height = 1;

  bool operator==(const PixelAspect&) const = default;
  double ratio() const { return static_cast<double>(width) / static_cast<double>(height); }
  bool square() const { return width == height; }
  PixelAspect turned() const { return {height, width}; }  ///< of a picture that is transposed
};

/// The picture as it is to be looked at, shrunk along one side; itself where its pixels are square.
cv::Mat with_square_pixels(const cv::Mat& picture, const PixelAspect& pixels);

}  // namespace vidattn
