#include "metrics/video/model_input.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <string>

#include "attention/error.h"
#include "metrics/video/antialiased.h"

namespace vidattn {
namespace {

// The longer side grows with the shorter one, which every picture is brought to, also a thin one.
constexpr int64_t kMostAspect = 64;

}  // namespace

ModelInput dino_input() {
  return {.mean = {0.485f, 0.456f, 0.406f}, .deviation = {0.229f, 0.224f, 0.225f}};
}

ModelInput clip_input() {
  return {.bicubic_crop = true,
          .mean = {0.48145466f, 0.4578275f, 0.40821073f},
          .deviation = {0.26862954f, 0.26130258f, 0.27577711f}};
}

ModelInput efficientnet_input() {
  ModelInput input = dino_input();
  input.antialiased = true;
  return input;
}

Planes rgb_planes(const cv::Mat& picture) {
  Planes planes{.values = std::vector<float>(picture.total() * 3),
                .height = picture.rows,
                .width = picture.cols};
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x)
      for (int c = 0; c < 3; ++c)
        planes.values[(static_cast<size_t>(c) * picture.rows + y) * picture.cols + x] =
            picture.at<cv::Vec3f>(y, x)[2 - c];
  return planes;
}

Planes preprocess(const cv::Mat& frame, const ModelInput& input) {
  const int64_t shorter = std::min(frame.rows, frame.cols);
  if (std::max(frame.rows, frame.cols) > kMostAspect * shorter)
    throw InputError("a picture of " + std::to_string(frame.cols) + "x" +
                     std::to_string(frame.rows) + " pixels is no network's: one side is over " +
                     std::to_string(kMostAspect) + " times the other");
  const auto scaled = [&](int64_t length) {
    return static_cast<int>(length * input.side / shorter);
  };
  const cv::Size size(scaled(frame.cols), scaled(frame.rows));
  cv::Mat image;
  (input.antialiased ? resize_antialiased(frame, size) : frame).convertTo(image, CV_32FC3);
  // OpenCV's bicubic kernel has a = -0.75 and half-pixel centres, as PyTorch's.
  if (!input.antialiased)
    cv::resize(image, image, size, 0, 0, input.bicubic_crop ? cv::INTER_CUBIC : cv::INTER_LINEAR);
  if (input.bicubic_crop) {
    // Python rounds halves to even, as nearbyint does.
    const auto start = [&](int length) {
      return static_cast<int>(std::nearbyint((length - input.side) / 2.0));
    };
    image = image({start(image.cols), start(image.rows), input.side, input.side});
  }
  if (input.whole_levels) {
    image.convertTo(image, CV_8UC3);
    image.convertTo(image, CV_32FC3);
  }
  Planes planes = rgb_planes(image);
  const size_t pixels = image.total();
  for (size_t i = 0; i < planes.values.size(); ++i) {
    const size_t c = i / pixels;
    planes.values[i] = (planes.values[i] / 255 - input.mean[c]) / input.deviation[c];
  }
  return planes;
}

}  // namespace vidattn
