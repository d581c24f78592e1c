#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// A line of text as a network sees it.
struct TextQuad {
  std::array<cv::Point, 4> corners;  ///< pixels, from the upper left one clockwise
  double score = 0;                  ///< mean probability in it before it was grown, 0 to 1
};

/// Lines of text in a map of probabilities (32FC1) that a pixel is in the middle of a line, in
/// pixels of a frame of `size`: the second half of differentiable binarization (Liao et al. 2020)
/// as rapidocr-onnxruntime 1.4.4 has it. What is above 0.3, dilated by 2x2, falls into contours;
/// the smallest rectangle of each, of a mean of at least 0.5, is grown on all sides by 1.6 times
/// its area over its perimeter.
std::vector<TextQuad> db_boxes(const cv::Mat& probability, cv::Size size);

/// A convex polygon, clockwise as pictures are seen, that is grown by `distance` with round
/// corners, in whole pixels: Clipper's offset with its arc tolerance of 0.25.
std::vector<cv::Point> grown_round(const std::vector<cv::Point>& polygon, double distance);

}  // namespace vidattn
