#include "harness/workloads/video/video_file.h"

#include <unistd.h>

#include <system_error>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/video/video.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// Beside the target, so that renaming stays on one file system; with its ending, which names the
/// container.
fs::path beside(const fs::path& path) {
  return path.parent_path() / ("." + path.stem().string() + "." + std::to_string(getpid()) +
                               ".part" + path.extension().string());
}

int64_t frames_in(const fs::path& path) {
  cv::VideoCapture capture(path.string(), cv::CAP_FFMPEG);
  int64_t frames = 0;
  while (capture.grab()) ++frames;
  return frames;
}

}  // namespace

VideoFile::VideoFile(const fs::path& path, const std::string& codec, double fps, cv::Size size)
    : target_(path), temporary_(beside(path)) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!fs::is_directory(folder))
    throw InputError("video " + in_quotes(path.string()) + ": its folder does not exist");
  if (fs::exists(path) && !fs::is_regular_file(path))
    throw InputError("video " + in_quotes(path.string()) + " cannot be written: no regular file");
  quiet_video_logs();
  const int fourcc = cv::VideoWriter::fourcc(codec.at(0), codec.at(1), codec.at(2), codec.at(3));
  if (writer_.open(temporary_.string(), fourcc, fps, size)) return;
  std::error_code ignored;
  fs::remove(temporary_, ignored);
  throw InputError("video " + in_quotes(path.string()) +
                   " cannot be written: check the permissions, and that OpenCV has the codec " +
                   codec);
}

VideoFile::~VideoFile() {
  writer_.release();
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void VideoFile::write(const cv::Mat& frame) {
  writer_.write(frame);
  ++frames_;
}

void VideoFile::commit() {
  writer_.release();
  const int64_t readable = frames_in(temporary_);
  if (readable != frames_)
    throw InputError("video " + in_quotes(target_.string()) +
                     " cannot be written: " + std::to_string(readable) + " of " +
                     std::to_string(frames_) + " frames can be read back; is the disk full?");
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error)
    throw InputError("video " + in_quotes(target_.string()) +
                     " cannot be written: " + error.message());
}

}  // namespace vidattn
