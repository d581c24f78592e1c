#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>

#include "harness/io/output_place.h"
#include "harness/workloads/media/colour.h"
#include "harness/workloads/media/file_io.h"
#include "harness/workloads/media/handles.h"
#include "harness/workloads/media/orientation.h"

namespace vidattn {

enum class VideoCodec {
  ffv1,   ///< without loss; .mkv or .avi
  mpeg4,  ///< MPEG-4 part 2; .mp4, .mkv or .avi
  mjpeg,  ///< Motion JPEG; .avi, .mkv or .mov
  h264,   ///< by x264, constant quality; .mp4, .mkv or .mov; sides must be even
};

/// A video file that appears under its name only when complete. Without commit() nothing is left,
/// and an older file stays as it was (output_place.h).
class VideoFile {
 public:
  /// The ending chooses the container. `fps` > 0 is frames per second; `pixels` is kept in the
  /// stream and in a container that can say it. Throws InputError when the file cannot be made, or
  /// no container of this ending holds the codec.
  VideoFile(const std::filesystem::path& path, VideoCodec codec, double fps, cv::Size size,
            const PixelAspect& pixels = {});

  /// The next frame, 8UC3 BGR of the size given. Throws InputError when the disk is full or fails.
  void write(const cv::Mat& frame);
  /// Completes the file and gives it its name. Throws as write().
  void commit();

 private:
  void open_encoder(VideoCodec codec, double fps, cv::Size size, const PixelAspect& pixels);
  void encode(const AVFrame* frame);
  void require(int code);

  OutputPlace place_;
  PendingFile file_;
  MediaOutput output_;
  MediaMuxer muxer_;
  MediaEncoder encoder_;
  FromBgr from_bgr_;
  MediaPacket packet_ = new_packet();
  int64_t frames_ = 0;
};

/// Whether FFmpeg here can write it.
bool can_write(VideoCodec codec);

}  // namespace vidattn
