#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/videoio.hpp>
#include <string>

#include "harness/io/output_place.h"

namespace vidattn {

/// A video file that appears under its name only when complete. OpenCV's writer does not tell when
/// the disk is full, so commit() reads the file back. Without commit() nothing is left, and an
/// older file stays as it was (output_place.h).
class VideoFile {
 public:
  /// `codec` is a FourCC such as "FFV1", which the ending's container must hold. Throws InputError
  /// when the file cannot be made, or OpenCV lacks the codec.
  VideoFile(const std::filesystem::path& path, const std::string& codec, double fps, cv::Size size);

  /// The next frame, 8UC3 BGR of the size given.
  void write(const cv::Mat& frame);
  /// Completes the file and gives it its name. Throws InputError unless every frame comes back.
  void commit();

 private:
  OutputPlace place_;
  PendingFile file_;
  cv::VideoWriter writer_;
  int64_t frames_ = 0;
};

}  // namespace vidattn
