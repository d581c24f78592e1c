#pragma once

#include <opencv2/core.hpp>

namespace vidattn {

/// Sides that no picture that is looked at for its content needs to exceed, and that keep memory
/// small where a file claims a picture of few columns and a million rows.
constexpr int kLongestSide = 16384;

/// The picture in at most `most` columns and rows, its aspect kept, at least one of both; never
/// larger than it is: a picture that fits is given back as it is, sharing its pixels.
/// `interpolation` is OpenCV's.
cv::Mat shrink_to_fit(const cv::Mat& picture, cv::Size most, int interpolation);

}  // namespace vidattn
