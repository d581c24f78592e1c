#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// A picture as 8UC3, BGR: png, jpeg, bmp, webp, tiff, ppm and its kin, told by their first bytes.
/// It is turned as its Exif data asks and, where it is transparent, composed on black, which
/// `transparent` then tells. Throws InputError naming the file when it is missing, damaged, no
/// picture, or of more than kMostPixels (colour.h).
cv::Mat read_picture(const std::string& path, bool* transparent = nullptr);

/// The bytes of a file with an 8UC1 or 8UC3 BGR picture.
std::vector<uint8_t> png_of(const cv::Mat& picture);
/// The same for 8UC3, of high quality.
std::vector<uint8_t> jpeg_of(const cv::Mat& picture);

}  // namespace vidattn
