#include "harness/workloads/media/bicubic.h"

#include <fmt/format.h>

#include <array>

#include "attention/error.h"

namespace vidattn {

cv::Mat BicubicRgb::scale(const cv::Mat& bgr) {
  if (!scaler_ || bgr.size() != from_) {
    from_ = bgr.size();
    scaler_.reset(sws_getContext(from_.width, from_.height, AV_PIX_FMT_BGR24, size_.width,
                                 size_.height, AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr,
                                 nullptr));
    if (!scaler_)
      throw InputError(fmt::format("a picture of {}x{} cannot be scaled to {}x{}", from_.width,
                                   from_.height, size_.width, size_.height));
  }
  constexpr int kAlign = 32;  // swscale writes whole vectors, beyond the width where it may
  cv::Mat padded(size_.height, (size_.width + kAlign - 1) / kAlign * kAlign, CV_8UC3);
  const std::array<const uint8_t*, 4> from = {bgr.data};
  const std::array<int, 4> from_steps = {static_cast<int>(bgr.step)};
  const std::array<uint8_t*, 4> to = {padded.data};
  const std::array<int, 4> to_steps = {static_cast<int>(padded.step)};
  unless_out_of_memory(sws_scale(scaler_.get(), from.data(), from_steps.data(), 0, from_.height,
                                 to.data(), to_steps.data()));
  return padded(cv::Rect({0, 0}, size_)).clone();
}

}  // namespace vidattn
