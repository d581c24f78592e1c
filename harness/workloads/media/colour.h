#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>

#include "harness/workloads/media/handles.h"

namespace vidattn {

/// Pixels of the largest picture or frame that is read: four times 8K. What a file claims is held
/// against it before memory is asked for.
inline constexpr int64_t kMostPixels = int64_t{1} << 27;

/// Why frames of these colours cannot become 8-bit BGR in one agreed way: HDR, whose brightness
/// needs a choice of tone curve, and matrices that are no linear map. Empty = they can.
std::string colour_obstacle(AVColorTransferCharacteristic transfer, AVColorSpace matrix);

/// Swscale's number of the matrix of a frame of this size. Where the stream says nothing: BT.709
/// from 1280 columns or 577 rows on and BT.601 below, as players do.
int matrix_of(AVColorSpace matrix, int width, int height);

/// Makes 8UC3, BGR, full range, of decoded frames: by their own matrix, range and depth. Nothing is
/// done to primaries and transfer, which BT.601, BT.709 and SDR BT.2020 nearly share. Frames that
/// say no range are of the limited one, but for RGB, grey and JPEG.
class ToBgr {
 public:
  /// Throws InputError with the reason, to be said of the file, for colours or a pixel format that
  /// cannot be converted.
  cv::Mat convert(const AVFrame& frame);

  /// Whether a frame so far had pixels that were not opaque. They are composed on black.
  bool saw_alpha() const { return saw_alpha_; }

 private:
  void prepare(const AVFrame& frame, AVPixelFormat target);

  MediaScaler scaler_;
  int width_ = 0, height_ = 0, format_ = -1, matrix_ = 0, full_range_ = 0;
  bool saw_alpha_ = false;
};

/// The way back, for what is written: frames of one size and format.
class FromBgr {
 public:
  /// JPEG's formats are of full range and BT.601, other YUV is of limited range and of the matrix
  /// that ToBgr takes where a stream says nothing.
  FromBgr(AVPixelFormat format, cv::Size size);

  /// A new frame of 8UC3 BGR or 8UC1 of the size given.
  MediaFrame convert(const cv::Mat& picture);

 private:
  AVPixelFormat format_;
  cv::Size size_;
  MediaScaler scaler_;
  int channels_ = 0;
};

}  // namespace vidattn
