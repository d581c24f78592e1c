#include "harness/curate/shots/look_meter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

enum class Colour : size_t {
  black,
  white,
  grey,
  red,
  orange,
  brown,
  yellow,
  green,
  cyan,
  blue,
  purple,
  pink
};
constexpr std::array kColours = {"black",  "white", "grey", "red",  "orange", "brown",
                                 "yellow", "green", "cyan", "blue", "purple", "pink"};
constexpr double kLeastColour = 0.12;  // share of the picture that is worth a word

/// Of OpenCV's HSV: hue 0 to 179, others 0 to 255.
Colour colour_of(const cv::Vec3b& hsv) {
  const int hue = hsv[0], saturation = hsv[1], value = hsv[2];
  if (value < 40) return Colour::black;
  if (saturation < 40) return value > 200 ? Colour::white : Colour::grey;
  if (hue < 8 || hue >= 172) return Colour::red;
  if (hue < 22) return value < 150 ? Colour::brown : Colour::orange;
  if (hue < 35) return Colour::yellow;
  if (hue < 80) return Colour::green;
  if (hue < 98) return Colour::cyan;
  if (hue < 130) return Colour::blue;
  return hue < 150 ? Colour::purple : Colour::pink;
}

double median_of(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The flow as a camera's: shift of the picture and its growth about the centre.
struct CameraFit {
  double x = 0, y = 0, growth = 0;  ///< pixels, pixels, share
};

CameraFit fit_camera(const cv::Mat& flow) {
  std::array<cv::Mat, 2> parts;
  cv::split(flow, parts.data());
  CameraFit fit;
  fit.x = median_of({parts[0].begin<float>(), parts[0].end<float>()});
  fit.y = median_of({parts[1].begin<float>(), parts[1].end<float>()});
  double along = 0, squares = 0;
  for (int row = 0; row < flow.rows; ++row)
    for (int column = 0; column < flow.cols; ++column) {
      const auto& f = flow.at<cv::Point2f>(row, column);
      const double dx = column - 0.5 * (flow.cols - 1), dy = row - 0.5 * (flow.rows - 1);
      along += (f.x - fit.x) * dx + (f.y - fit.y) * dy;
      squares += dx * dx + dy * dy;
    }
  fit.growth = along / squares;
  return fit;
}

double mean_length(const cv::Mat& flow) {
  std::array<cv::Mat, 2> parts;
  cv::split(flow, parts.data());
  cv::Mat length;
  cv::magnitude(parts[0], parts[1], length);
  return cv::mean(length)[0];
}

}  // namespace

void LookMeter::add_pair(const cv::Mat& luma, const cv::Mat& later, double seconds) {
  if (!Flow::possible(luma)) return;
  const cv::Mat flow = flow_.between(luma, later);
  const CameraFit camera = fit_camera(flow);
  // The picture moves against the camera.
  sums_.pan -= camera.x / flow.cols / seconds;
  sums_.tilt -= camera.y / flow.rows / seconds;
  sums_.zoom += camera.growth / seconds;
  sums_.motion += mean_length(flow) / std::hypot(flow.cols, flow.rows) / seconds;
  ++sums_.pairs;
}

void LookMeter::add_frame(const cv::Mat& frame) {
  cv::Mat small, hsv, luma;
  cv::resize(frame, small, {64, 36}, 0, 0, cv::INTER_AREA);
  cv::cvtColor(small, hsv, cv::COLOR_BGR2HSV);
  cv::cvtColor(small, luma, cv::COLOR_BGR2GRAY);
  colours_.resize(kColours.size());
  for (const cv::Vec3b& pixel : cv::Mat_<cv::Vec3b>(hsv))
    ++colours_[static_cast<size_t>(colour_of(pixel))];
  sums_.brightness += cv::mean(luma)[0] / 255;
  ++frames_;
}

ClipLook LookMeter::look() const {
  ClipLook look = sums_;
  const double pairs = std::max<double>(1, static_cast<double>(look.pairs));
  for (double* sum : {&look.motion, &look.pan, &look.tilt, &look.zoom}) *sum /= pairs;
  look.brightness /= std::max<double>(1, static_cast<double>(frames_));
  std::vector<size_t> order(colours_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return colours_[a] > colours_[b]; });
  const double all = std::accumulate(colours_.begin(), colours_.end(), 0.0);
  for (const size_t colour : order)
    if (look.colours.size() < 3 && colours_[colour] >= kLeastColour * all)
      look.colours.emplace_back(kColours[colour]);
  return look;
}

}  // namespace vidattn
