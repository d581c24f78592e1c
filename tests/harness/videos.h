#pragma once

#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <vector>

#include "tests/harness/files.h"

namespace vidattn::testing {

inline cv::Mat grey(int level, int width = 64, int height = 48) {
  return {height, width, CV_8UC3, cv::Scalar::all(level)};
}

/// Writes the frames as PNG pictures 0.png, 1.png, …, which keeps every value.
inline std::string write_frames(const std::filesystem::path& folder,
                                const std::vector<cv::Mat>& frames) {
  std::filesystem::create_directories(folder);
  for (size_t i = 0; i < frames.size(); ++i)
    EXPECT_TRUE(cv::imwrite((folder / (std::to_string(i) + ".png")).string(), frames[i]));
  return folder.string();
}

/// Writes a Motion JPEG file of 24 fps.
inline std::string write_video(const std::filesystem::path& path,
                               const std::vector<cv::Mat>& frames) {
  cv::VideoWriter writer(path.string(), cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 24,
                         frames.at(0).size());
  EXPECT_TRUE(writer.isOpened());
  for (const cv::Mat& frame : frames) writer.write(frame);
  return path.string();
}

}  // namespace vidattn::testing
