#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/workloads/media/picture.h"
#include "harness/workloads/media/video_file.h"
#include "tests/harness/files.h"

namespace vidattn::testing {

inline cv::Mat grey(int level, int width = 64, int height = 48) {
  return {height, width, CV_8UC3, cv::Scalar::all(level)};
}

inline void write_picture(const std::filesystem::path& path, const cv::Mat& picture) {
  const std::vector<uint8_t> png = png_of(picture);
  write_bytes(path, {png.begin(), png.end()});
}

/// Writes the frames as PNG pictures 0.png, 1.png, …, which keeps every value.
inline std::string write_frames(const std::filesystem::path& folder,
                                const std::vector<cv::Mat>& frames) {
  std::filesystem::create_directories(folder);
  for (size_t i = 0; i < frames.size(); ++i)
    write_picture(folder / (std::to_string(i) + ".png"), frames[i]);
  return folder.string();
}

/// Writes a Motion JPEG file of 24 fps.
inline std::string write_video(const std::filesystem::path& path,
                               const std::vector<cv::Mat>& frames) {
  VideoFile file(path, VideoCodec::mjpeg, 24, frames.at(0).size());
  for (const cv::Mat& frame : frames) file.write(frame);
  file.commit();
  return path.string();
}

}  // namespace vidattn::testing
