#include "harness/curate/shots/signature.h"

#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

const cv::Size kSmall(16, 9);

}  // namespace

double ClipSignature::similarity(const ClipSignature& other) const {
  if (frames.empty() || frames.size() != other.frames.size()) return std::nan("");
  double sum = 0;
  for (size_t f = 0; f < frames.size(); ++f) {
    const auto &a = frames[f], &b = other.frames[f];
    if (a.size() != b.size()) return std::nan("");
    const double product = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    const double squares = std::inner_product(a.begin(), a.end(), a.begin(), 0.0) *
                           std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
    sum += product / std::sqrt(squares);
  }
  return sum / static_cast<double>(frames.size());
}

std::vector<float> signature_of(const cv::Mat& frame) {
  cv::Mat small;
  cv::resize(frame, small, kSmall, 0, 0, cv::INTER_AREA);
  small.convertTo(small, CV_32FC3);
  small -= cv::mean(small);
  const double length = cv::norm(small);
  if (length > 0) small /= length;
  const cv::Mat row = small.reshape(1, 1);
  return {row.begin<float>(), row.end<float>()};
}

nlohmann::json to_json(const ClipSignature& signature) {
  // Four digits: a grey level of a picture is some thousandth.
  nlohmann::json frames = nlohmann::json::array();
  for (const auto& frame : signature.frames) {
    nlohmann::json numbers = nlohmann::json::array();
    for (const float number : frame) numbers.push_back(std::lround(number * 10000));
    frames.push_back(numbers);
  }
  return frames;
}

ClipSignature read_clip_signature(const JsonReader& json) {
  ClipSignature signature;
  for (const JsonReader& frame : json.items()) {
    signature.frames.emplace_back();
    for (const JsonReader& number : frame.items())
      signature.frames.back().push_back(static_cast<float>(number.number() / 10000));
  }
  return signature;
}

}  // namespace vidattn
