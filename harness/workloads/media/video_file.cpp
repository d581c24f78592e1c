#include "harness/workloads/video/video_file.h"

#include <fmt/format.h>

#include "harness/workloads/video/video.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

int64_t frames_in(const fs::path& path) {
  cv::VideoCapture capture(path.string(), cv::CAP_FFMPEG);
  int64_t frames = 0;
  while (capture.grab()) ++frames;
  return frames;
}

}  // namespace

VideoFile::VideoFile(const fs::path& path, const std::string& codec, double fps, cv::Size size)
    : place_(path), file_(place_.create_named(path.extension())) {
  quiet_video_logs();
  const int fourcc = cv::VideoWriter::fourcc(codec.at(0), codec.at(1), codec.at(2), codec.at(3));
  if (!writer_.open(file_.name().string(), fourcc, fps, size))
    place_.fail("OpenCV has no codec " + codec + " for this ending, or the disk is full");
}

void VideoFile::write(const cv::Mat& frame) {
  writer_.write(frame);
  ++frames_;
}

void VideoFile::commit() {
  writer_.release();
  const int64_t readable = frames_in(file_.name());
  if (readable != frames_)
    place_.fail(
        fmt::format("{} of {} frames can be read back; is the disk full?", readable, frames_));
  place_.take(file_);
}

}  // namespace vidattn
