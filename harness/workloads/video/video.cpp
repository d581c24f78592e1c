#include "harness/workloads/video/video.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/workloads/media/video_reader.h"
#include "harness/workloads/video/even_frames.h"

namespace vidattn {
namespace {

/// Of a frame of a video that has no times of its own.
FrameTime even_time(int64_t frame, double fps) {
  const double step = fps > 0 ? 1 / fps : 0;
  return {static_cast<double>(frame) * step, static_cast<double>(frame + 1) * step};
}

void note_variable_rate(VideoSurvey& survey) {
  double shortest = survey.times[1] - survey.times[0], longest = shortest;
  for (size_t i = 1; i < survey.times.size(); ++i) {
    const double step = survey.times[i] - survey.times[i - 1];
    shortest = std::min(shortest, step);
    longest = std::max(longest, step);
  }
  survey.fps = static_cast<double>(survey.frames) / survey.times.back();
  survey.notes.push_back(fmt::format("variable frame rate: frames of {:.4g} to {:.4g} ms",
                                     1000 * shortest, 1000 * longest));
}

}  // namespace

VideoSurvey survey_video(const std::string& path, const std::function<void(double)>& progress,
                         const ShotOptions& options) {
  VideoReader reader(path);
  return survey_frames(reader, path, progress, options);
}

VideoSurvey survey_frames(FrameSource& frames, const std::string& path,
                          const std::function<void(double)>& progress, const ShotOptions& options) {
  ShotDetector detector(options);
  return survey_frames(frames, path, progress, detector);
}

VideoSurvey survey_frames(FrameSource& reader, const std::string& path,
                          const std::function<void(double)>& progress, ShotFinder& finder) {
  VideoSurvey survey{.fps = reader.fps()};
  double share = 0, end = 0;
  for (cv::Mat frame = reader.next(); !frame.empty(); frame = reader.next()) {
    if (survey.frames == 0) {
      survey.height = frame.rows;
      survey.width = frame.cols;
    }
    if (frame.rows != survey.height || frame.cols != survey.width)
      throw InputError("video '" + path + "' changes its size at frame " +
                       std::to_string(survey.frames) + ", one size is needed");
    finder.push(frame);
    const FrameTime time = reader.time().value_or(even_time(survey.frames, survey.fps));
    survey.times.push_back(time.from);
    end = time.to;
    ++survey.frames;
    share = std::clamp(reader.share(), share, 1.0);  // a file may be read back and forth
    if (progress) progress(share);
  }
  if (survey.frames == 0)
    throw InputError("video '" + path + "': not one frame can be decoded, the file is damaged");
  survey.times.push_back(end);
  survey.frames_promised = reader.frames_promised();
  survey.notes = reader.notes();
  survey.decoder = reader.decoder();
  if (!are_even(survey.times)) note_variable_rate(survey);
  survey.boundaries = finder.boundaries();
  survey.suppressed = finder.suppressed();
  survey.shots = shot_starts(survey.boundaries, survey.frames);
  return survey;
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
