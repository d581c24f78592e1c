#include "harness/workloads/media/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/media/colour.h"
#include "harness/workloads/media/orientation.h"

namespace vidattn {
namespace {

using Bytes = std::span<const uint8_t>;

bool has_at(Bytes file, size_t at, std::string_view text) {
  return file.size() >= at + text.size() &&
         std::equal(text.begin(), text.end(), file.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

bool is_tiff(Bytes file) {
  return has_at(file, 0, std::string_view("II*\0", 4)) ||
         has_at(file, 0, std::string_view("MM\0*", 4));
}

AVCodecID codec_of(Bytes file) {
  if (has_at(file, 0, "\x89PNG\r\n\x1a\n")) return AV_CODEC_ID_PNG;
  if (has_at(file, 0, "\xff\xd8\xff")) return AV_CODEC_ID_MJPEG;
  if (has_at(file, 0, "BM")) return AV_CODEC_ID_BMP;
  if (has_at(file, 0, "RIFF") && has_at(file, 8, "WEBP")) return AV_CODEC_ID_WEBP;
  if (is_tiff(file)) return AV_CODEC_ID_TIFF;
  if (has_at(file, 0, "P") && file.size() > 1 && file[1] >= '1' && file[1] <= '7')
    return AV_CODEC_ID_PPM;
  return AV_CODEC_ID_NONE;
}

/// What stands in the first chunk of a name, of PNG (size, name, data, checksum) or of WebP (name,
/// size, data, made even).
Bytes chunk(Bytes file, std::string_view name, bool png) {
  constexpr size_t kPngHead = 8, kRiffHead = 12, kChunkHead = 8, kChecksum = 4;
  for (size_t at = png ? kPngHead : kRiffHead; at + kChunkHead <= file.size();) {
    const auto byte = [&](size_t i) { return size_t{file[at + (png ? 3 - i : 4 + i)]}; };
    const size_t size = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    const size_t data = at + kChunkHead;
    if (size > file.size() - data) return {};
    if (has_at(file, at + (png ? 4 : 0), name)) return file.subspan(data, size);
    at = data + size + (png ? kChecksum : size % 2);
  }
  return {};
}

/// Of the formats whose decoders leave it to the reader; JPEG's tells it with the frame.
std::optional<int64_t> stored_orientation(Bytes file, AVCodecID codec) {
  if (codec == AV_CODEC_ID_TIFF) return orientation_tag(file);
  if (codec == AV_CODEC_ID_PNG) return orientation_tag(chunk(file, "eXIf", true));
  if (codec != AV_CODEC_ID_WEBP) return {};
  constexpr std::string_view kPrefix("Exif\0\0", 6);  // some writers repeat it from JPEG
  const Bytes exif = chunk(file, "EXIF", false);
  return orientation_tag(has_at(exif, 0, kPrefix) ? exif.subspan(kPrefix.size()) : exif);
}

Orientation orientation_of(Bytes file, AVCodecID codec, const AVFrame& frame) {
  constexpr size_t kMatrix = 9 * sizeof(int32_t);
  const AVFrameSideData* matrix = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (matrix != nullptr && matrix->size >= kMatrix)
    return display_orientation(reinterpret_cast<const int32_t*>(matrix->data));
  return exif_orientation(stored_orientation(file, codec).value_or(1));
}

/// The whole file in a packet, whose end FFmpeg pads; nothing for files beyond what one holds.
MediaPacket packet_of(const InputFile& file) {
  constexpr auto kMost = uint64_t{std::numeric_limits<int>::max() - AV_INPUT_BUFFER_PADDING_SIZE};
  if (file.size() == 0 || file.size() > kMost) return {};
  MediaPacket packet = new_packet();
  if (av_new_packet(packet.get(), static_cast<int>(file.size())) < 0) throw std::bad_alloc();
  file.read(0, packet->data, file.size());
  return packet;
}

/// Nothing where the packet is no whole picture.
MediaFrame decoded(const AVPacket& packet, AVCodecID id) {
  const AVCodec* codec = avcodec_find_decoder(id);
  if (codec == nullptr) return {};
  const MediaDecoder decoder(allocated(avcodec_alloc_context3(codec)));
  decoder->max_pixels = kMostPixels;
  MediaFrame frame = new_frame();
  const bool whole = succeeded(avcodec_open2(decoder.get(), codec, nullptr)) &&
                     succeeded(avcodec_send_packet(decoder.get(), &packet)) &&
                     succeeded(avcodec_send_packet(decoder.get(), nullptr)) &&
                     succeeded(avcodec_receive_frame(decoder.get(), frame.get()));
  return whole ? std::move(frame) : MediaFrame();
}

std::vector<uint8_t> encoded(AVCodecID id, AVPixelFormat format, const cv::Mat& picture) {
  constexpr int kQuality = 5;  // JPEG's steps of quantization: 1 the finest, 31 the coarsest
  const AVCodec* codec = allocated(avcodec_find_encoder(id));
  const MediaEncoder encoder(allocated(avcodec_alloc_context3(codec)));
  encoder->width = picture.cols;
  encoder->height = picture.rows;
  encoder->pix_fmt = format;
  encoder->time_base = {1, 1};
  encoder->flags |= AV_CODEC_FLAG_QSCALE;
  encoder->global_quality = kQuality * FF_QP2LAMBDA;
  const MediaFrame frame = FromBgr(format, picture.size()).convert(picture);
  frame->quality = encoder->global_quality;
  const MediaPacket packet = new_packet();
  const bool whole = succeeded(avcodec_open2(encoder.get(), codec, nullptr)) &&
                     succeeded(avcodec_send_frame(encoder.get(), frame.get())) &&
                     succeeded(avcodec_send_frame(encoder.get(), nullptr)) &&
                     succeeded(avcodec_receive_packet(encoder.get(), packet.get()));
  if (!whole)
    throw std::runtime_error(fmt::format("a picture of {}x{} pixels cannot be coded as {}",
                                         picture.cols, picture.rows, codec->name));
  return {packet->data, packet->data + packet->size};
}

}  // namespace

cv::Mat read_picture(const std::string& path, bool* transparent) {
  const InputFile file{path};  // a named pipe would be waited for
  if (const MediaPacket packet = packet_of(file)) {
    const Bytes bytes(packet->data, static_cast<size_t>(packet->size));
    const AVCodecID codec = codec_of(bytes);
    if (const MediaFrame frame = decoded(*packet, codec)) {
      ToBgr to_bgr;
      const cv::Mat picture = to_bgr.convert(*frame);
      if (transparent != nullptr) *transparent = to_bgr.saw_alpha();
      return oriented(picture, orientation_of(bytes, codec, *frame));
    }
  }
  throw InputError(fmt::format(
      "picture {} cannot be read: damaged, not a picture, or of more than {} million pixels",
      in_quotes(path), kMostPixels / 1'000'000));
}

std::vector<uint8_t> png_of(const cv::Mat& picture) {
  return encoded(AV_CODEC_ID_PNG, picture.channels() == 1 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24,
                 picture);
}

std::vector<uint8_t> jpeg_of(const cv::Mat& picture) {
  return encoded(AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P, picture);
}

}  // namespace vidattn
