#include "harness/io/networks/onnx.h"

#include <fmt/format.h>

#ifdef VIDATTN_WITH_DNN
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn/dnn.hpp>
#endif

#include <utility>
#include <vector>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/one_line.h"

namespace vidattn {

#ifdef VIDATTN_WITH_DNN
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30;

/// Its reader of networks tells stderr, too, what it throws.
class QuietOpenCv {
 public:
  QuietOpenCv() : before_(cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT)) {}
  ~QuietOpenCv() { cv::utils::logging::setLogLevel(before_); }
  QuietOpenCv(const QuietOpenCv&) = delete;
  QuietOpenCv& operator=(const QuietOpenCv&) = delete;

 private:
  cv::utils::logging::LogLevel before_;
};

/// Bytes of a file of ONNX. Throws cv::Exception where OpenCV does not read them.
cv::dnn::Net parsed(const std::vector<uchar>& bytes) {
  const QuietOpenCv quiet;
  cv::dnn::Net net = cv::dnn::readNetFromONNX(bytes);
  if (!net.empty()) net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
  return net;
}

class DnnNetwork : public OnnxNetwork {
 public:
  DnnNetwork(std::vector<uchar> bytes, cv::dnn::Net net, std::string what)
      : bytes_(std::move(bytes)), net_(std::move(net)), what_(std::move(what)) {}

  cv::Mat run(const cv::Mat& input) override {
    const QuietOpenCv quiet;
    try {
      // OpenCV 4.6 computes something else once a network has seen another size.
      if (!size_.empty() && size_ != size_of_input(input)) net_ = parsed(bytes_);
      size_ = size_of_input(input);
      net_.setInput(input);
      const cv::Mat output = net_.forward();
      if (output.dims == 4 && output.type() == CV_32F) return output.clone();
    } catch (const cv::Exception& error) {
      throw InputError(what_ + " fails on a picture: " + one_line(error.err));
    }
    throw InputError(what_ + " gives something else than pictures");
  }

 private:
  static std::vector<int> size_of_input(const cv::Mat& input) {
    return {input.size.p, input.size.p + input.dims};
  }

  std::vector<uchar> bytes_;
  cv::dnn::Net net_;
  std::vector<int> size_;  ///< of the input before
  std::string what_;
};

}  // namespace

std::unique_ptr<OnnxNetwork> load_onnx(const std::string& path, const std::string& wanted_for) {
  const InputFile file{path};
  const std::string what = fmt::format("{}: the network {}", wanted_for, file.name());
  if (file.size() == 0 || file.size() > kMostBytes)
    throw InputError(what + " has no bytes, or too many");
  std::vector<uchar> bytes(file.size());
  file.read(0, bytes.data(), bytes.size());
  try {
    cv::dnn::Net net = parsed(bytes);
    if (!net.empty()) return std::make_unique<DnnNetwork>(std::move(bytes), std::move(net), what);
  } catch (const cv::Exception& error) {
    throw InputError(what + " is not ONNX that OpenCV reads: " + one_line(error.err));
  }
  throw InputError(what + " is empty");
}
#else
std::unique_ptr<OnnxNetwork> load_onnx(const std::string&, const std::string& wanted_for) {
  throw InputError(wanted_for +
                   ": this build has no OpenCV dnn; install libopencv-dnn-dev and build again");
}
#endif

cv::Mat network_input(const cv::Mat& picture, double mean, double deviation) {
  const int shape[] = {1, picture.channels(), picture.rows, picture.cols};
  cv::Mat values, input(4, shape, CV_32F);
  picture.convertTo(values, CV_32F, 1 / (255 * deviation), -mean / deviation);
  std::vector<cv::Mat> planes;
  for (int c = 0; c < shape[1]; ++c)
    planes.emplace_back(picture.rows, picture.cols, CV_32F, input.ptr<float>(0, c));
  cv::split(values, planes);
  return input;
}

cv::Mat first_plane(const cv::Mat& output) {
  return {output.size[2], output.size[3], CV_32F, const_cast<float*>(output.ptr<float>())};
}

}  // namespace vidattn
