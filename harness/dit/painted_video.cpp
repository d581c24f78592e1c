#include "harness/dit/painted_video.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/media/video_file.h"

namespace vidattn {
namespace {

constexpr std::pair<const char*, VideoCodec> kPaintedCodecs[] = {
    {".mp4", VideoCodec::mpeg4}, {".avi", VideoCodec::mjpeg}, {".mkv", VideoCodec::ffv1}};

VideoCodec codec_of(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension();
  for (const auto& [known, codec] : kPaintedCodecs)
    if (ending == known) return codec;
  throw InputError(
      fmt::format("video file {} must end in .mp4, .avi or .mkv (without loss)", in_quotes(path)));
}

}  // namespace

void require_video_place(const std::string& path) {
  codec_of(path);
  require_writable(path);
}

void write_painted(const std::string& path, const std::vector<cv::Mat>& frames, double fps) {
  VideoFile file(path, codec_of(path), fps, frames.front().size());
  for (const cv::Mat& frame : frames) file.write(frame);
  file.commit();
}

}  // namespace vidattn
