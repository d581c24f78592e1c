#pragma once

#include <opencv2/core.hpp>

namespace vidattn {

/// Resizes an 8UC3 picture as Pillow's `Image.resize(size, Image.BILINEAR)` does, to the last bit:
/// by a triangle that is as wide as the pixels that a small one stands for, so that no pixel is
/// passed over, first along the rows and then along the columns, rounded to 8 bits after each.
/// (Pillow 13 begins with the columns where that leaves fewer pixels in between, as for upright
/// pictures, and so rounds others of them.)
cv::Mat resize_antialiased(const cv::Mat& picture, cv::Size size);

}  // namespace vidattn
