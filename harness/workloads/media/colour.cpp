#include "harness/workloads/media/colour.h"

#include <fmt/format.h>

#include <array>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr int kUnity = 1 << 16;  // swscale's contrast and saturation

/// Formats that mean nothing but the full range.
bool is_jpeg_format(int format) {
  return format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P ||
         format == AV_PIX_FMT_YUVJ444P || format == AV_PIX_FMT_YUVJ440P ||
         format == AV_PIX_FMT_YUVJ411P;
}

bool is_full_range(const AVFrame& frame) {
  if (is_jpeg_format(frame.format)) return true;
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const bool grey = format != nullptr && format->nb_components <= 2;
  return frame.color_range == AVCOL_RANGE_JPEG || (grey && frame.color_range != AVCOL_RANGE_MPEG);
}

bool has_alpha(const AVFrame& frame) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  return format != nullptr && (format->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
}

/// 8UC4 to 8UC3, on black. Returns whether any pixel was not opaque.
bool compose(const cv::Mat& bgra, cv::Mat& bgr) {
  constexpr int kOpaque = 255;
  bool transparent = false;
  bgr.create(bgra.size(), CV_8UC3);
  for (int y = 0; y < bgra.rows; ++y) {
    const auto* from = bgra.ptr<cv::Vec4b>(y);
    auto* to = bgr.ptr<cv::Vec3b>(y);
    for (int x = 0; x < bgra.cols; ++x) {
      const int alpha = from[x][3];
      transparent |= alpha != kOpaque;
      for (int c = 0; c < 3; ++c)
        to[x][c] = static_cast<uchar>((from[x][c] * alpha + kOpaque / 2) / kOpaque);
    }
  }
  return transparent;
}

}  // namespace

std::string colour_obstacle(AVColorTransferCharacteristic transfer, AVColorSpace matrix) {
  if (transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67)
    return fmt::format(
        "is HDR ({}), and how its brightness falls on 8 bits is a choice: "
        "tone-map it first",
        transfer == AVCOL_TRC_SMPTE2084 ? "PQ" : "HLG");
  switch (matrix) {
    case AVCOL_SPC_RGB:
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_BT2020_NCL:
      return {};
    default:
      break;
  }
  const char* name = av_color_space_name(matrix);
  if (name == nullptr) return {};  // of a damaged header: as if it said nothing
  return fmt::format("has the colour matrix {}, which cannot be converted", name);
}

int matrix_of(AVColorSpace matrix, int width, int height) {
  constexpr int kHdWidth = 1280, kSdHeight = 576;
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return SWS_CS_ITU601;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
      return SWS_CS_BT2020;
    default:
      return width >= kHdWidth || height > kSdHeight ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

void ToBgr::prepare(const AVFrame& frame, AVPixelFormat target) {
  const int matrix = matrix_of(frame.colorspace, frame.width, frame.height);
  const int full = is_full_range(frame) ? 1 : 0;
  if (scaler_ && frame.width == width_ && frame.height == height_ && frame.format == format_ &&
      matrix == matrix_ && full == full_range_)
    return;
  const std::string obstacle = colour_obstacle(frame.color_trc, frame.colorspace);
  if (!obstacle.empty()) throw InputError(obstacle);
  scaler_.reset(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
                               frame.width, frame.height, target, SWS_BICUBIC, nullptr, nullptr,
                               nullptr));
  if (!scaler_) throw InputError("has pixels of a format that cannot be converted");
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(matrix), full,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, kUnity, kUnity);
  width_ = frame.width;
  height_ = frame.height;
  format_ = frame.format;
  matrix_ = matrix;
  full_range_ = full;
}

cv::Mat ToBgr::convert(const AVFrame& frame) {
  constexpr int kAlign = 32;  // swscale writes whole vectors, beyond the width where it may
  const bool alpha = has_alpha(frame);
  prepare(frame, alpha ? AV_PIX_FMT_BGRA : AV_PIX_FMT_BGR24);
  cv::Mat padded(frame.height, (frame.width + kAlign - 1) / kAlign * kAlign,
                 alpha ? CV_8UC4 : CV_8UC3);
  const std::array<uint8_t*, 4> planes = {padded.data};
  const std::array<int, 4> steps = {static_cast<int>(padded.step)};
  unless_out_of_memory(sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height,
                                 planes.data(), steps.data()));
  const cv::Mat picture = padded(cv::Rect(0, 0, frame.width, frame.height));
  if (!alpha) return picture.isContinuous() ? picture : picture.clone();
  cv::Mat bgr;
  saw_alpha_ |= compose(picture, bgr);
  return bgr;
}

FromBgr::FromBgr(AVPixelFormat format, cv::Size size) : format_(format), size_(size) {}

MediaFrame FromBgr::convert(const cv::Mat& picture) {
  const int full = is_jpeg_format(format_) ? 1 : 0;
  const int matrix =
      matrix_of(full != 0 ? AVCOL_SPC_BT470BG : AVCOL_SPC_UNSPECIFIED, size_.width, size_.height);
  if (picture.channels() != channels_) {
    channels_ = picture.channels();
    scaler_.reset(allocated(sws_getContext(
        size_.width, size_.height, channels_ == 1 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_BGR24,
        size_.width, size_.height, format_, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP,
        nullptr, nullptr, nullptr)));
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(SWS_CS_DEFAULT), 1,
                             sws_getCoefficients(matrix), full, 0, kUnity, kUnity);
  }
  MediaFrame frame = new_frame();
  frame->format = format_;
  frame->width = size_.width;
  frame->height = size_.height;
  frame->color_range = full != 0 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  const std::array<const uint8_t*, 4> planes = {picture.data};
  const std::array<int, 4> steps = {static_cast<int>(picture.step)};
  unless_out_of_memory(sws_scale(scaler_.get(), planes.data(), steps.data(), 0, size_.height,
                                 frame->data, frame->linesize));
  return frame;
}

}  // namespace vidattn
