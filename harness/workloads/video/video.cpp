#include "harness/workloads/video/video.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <opencv2/core/utils/logger.hpp>

#include "attention/error.h"
#include "harness/io/one_line.h"
#include "harness/workloads/video/picture.h"

namespace vidattn {
namespace {

/// FFmpeg renders plain text as "ANSI art" and follows play lists to other files, so text must not
/// reach it.
bool is_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(1024, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  return std::all_of(head.begin(), head.end(), [](char c) {
    return (c >= ' ' && c < 127) || c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
}

void check_file(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) throw InputError("video: no file given, write video:PATH");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw InputError("video '" + path + "' does not exist");
  if (fs::is_directory(status))
    throw InputError("video '" + path + "' is a directory, not a video file");
  if (!fs::is_regular_file(status)) throw InputError("video '" + path + "' is not a regular file");
  if (!std::ifstream(path)) throw InputError("video '" + path + "' may not be read");
  if (fs::file_size(path, error) == 0) throw InputError("video '" + path + "' is empty (0 bytes)");
  if (is_text(path)) throw InputError("video '" + path + "' is a text file, not a video");
}

}  // namespace

void quiet_video_logs() {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);  // AV_LOG_QUIET; the user's own setting wins
}

VideoReader::VideoReader(const std::string& path) : path_(path) {
  check_file(path);
  quiet_video_logs();
  if (!capture_.open(path, cv::CAP_FFMPEG))
    throw InputError("video '" + path +
                     "' cannot be opened: damaged, or not a video that OpenCV's "
                     "FFmpeg reads (mp4, webm, avi, mov, mkv)");
  const double width = capture_.get(cv::CAP_PROP_FRAME_WIDTH),
               height = capture_.get(cv::CAP_PROP_FRAME_HEIGHT);
  if (width * height > static_cast<double>(kMostPixels))
    throw InputError(fmt::format("video '{}' claims {}x{} pixels, at most {} can be read", path,
                                 width, height, kMostPixels));
  fps_ = capture_.get(cv::CAP_PROP_FPS);
  const double promised = capture_.get(cv::CAP_PROP_FRAME_COUNT);
  // A container without a length gives nonsense such as -9e15.
  if (promised > 0 && promised < 1e9) frames_promised_ = std::llround(promised);
}

cv::Mat VideoReader::next() {
  try {
    cv::Mat frame;
    capture_.read(frame);
    return frame;
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw InputError("video '" + path_ + "' is damaged: " + one_line(error.err));
  }
}

VideoSurvey survey_video(const std::string& path, const std::function<void(double)>& progress,
                         const ShotOptions& options) {
  VideoReader reader(path);
  return survey_frames(reader, path, progress, options);
}

VideoSurvey survey_frames(FrameSource& reader, const std::string& path,
                          const std::function<void(double)>& progress, const ShotOptions& options) {
  VideoSurvey survey{.fps = reader.fps()};
  ShotDetector detector(options);
  for (cv::Mat frame = reader.next(); !frame.empty(); frame = reader.next()) {
    if (survey.frames == 0) {
      survey.height = frame.rows;
      survey.width = frame.cols;
    }
    if (frame.rows != survey.height || frame.cols != survey.width)
      throw InputError("video '" + path + "' changes its size at frame " +
                       std::to_string(survey.frames) + ", one size is needed");
    detector.push(frame);
    ++survey.frames;
    if (progress)
      progress(reader.frames_promised() == 0
                   ? 0
                   : std::min(1.0, static_cast<double>(survey.frames) / reader.frames_promised()));
  }
  if (survey.frames == 0)
    throw InputError("video '" + path + "': not one frame can be decoded, the file is damaged");
  require_promised_frames(reader, survey.frames, path);
  survey.boundaries = detector.boundaries();
  survey.shots = shot_starts(survey.boundaries, survey.frames);
  return survey;
}

void require_promised_frames(const FrameSource& source, int64_t frames, const std::string& path) {
  const int64_t promised = source.frames_promised();
  if (static_cast<double>(frames) < 0.9 * static_cast<double>(promised))
    throw InputError("video '" + path + "' is damaged: it promises " + std::to_string(promised) +
                     " frames, only " + std::to_string(frames) + " can be read");
}

int64_t FrameSampling::frame(int64_t i) const {
  // The epsilon keeps i * (a / b) from falling just below a whole number.
  return static_cast<int64_t>(std::floor(static_cast<double>(i) * stride + 1e-6));
}

FrameSampling sample_frames(int64_t available, int64_t wanted) {
  FrameSampling sampling{.wanted = wanted};
  if (wanted > 1 && available - wanted >= 4)
    sampling.stride = static_cast<double>(available - 1) / static_cast<double>(wanted - 1);
  return sampling;
}

std::vector<int64_t> sampled_shots(const std::vector<int64_t>& shots,
                                   const FrameSampling& sampling) {
  std::vector<int64_t> starts = {0};
  for (const int64_t cut : shots) {
    int64_t i = starts.back();
    while (i < sampling.wanted && sampling.frame(i) < cut) ++i;
    if (i < sampling.wanted && i > starts.back()) starts.push_back(i);
  }
  return starts;
}

}  // namespace vidattn
