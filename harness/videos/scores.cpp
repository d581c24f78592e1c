#include "harness/videos/scores.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <opencv2/core/utility.hpp>
#include <optional>
#include <utility>

#include "attention/cancel.h"
#include "attention/error.h"
#include "attention/grid.h"
#include "harness/host/clock.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/host/progress.h"
#include "harness/measure/engine/timings.h"
#include "harness/videos/network_scores.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/shots.h"
#include "harness/workloads/video/even_frames.h"
#include "harness/workloads/video/kept_frames.h"

namespace vidattn {
namespace {

// Frames that are in memory at a time, twice: those being measured and those being read.
constexpr size_t kBatchBytes = size_t{32} << 20;
constexpr size_t kBatchFrames = 16;

std::vector<cv::Mat> read_batch(FrameSource& source) {
  std::vector<cv::Mat> batch;
  for (size_t bytes = 0; batch.size() < kBatchFrames && bytes < kBatchBytes;) {
    cv::Mat frame = source.next();
    if (frame.empty()) break;
    bytes += frame.total() * frame.elemSize();
    batch.push_back(std::move(frame));
  }
  return batch;
}

/// Every metric and the reader have a thread of their own, so OpenCV must not start more.
class OneOpenCvThread {
 public:
  OneOpenCvThread() { cv::setNumThreads(1); }
  ~OneOpenCvThread() { cv::setNumThreads(before_); }
  OneOpenCvThread(const OneOpenCvThread&) = delete;
  OneOpenCvThread& operator=(const OneOpenCvThread&) = delete;

 private:
  int before_ = cv::getNumThreads();
};

/// Runs the tasks in parallel, those first that took longest the last time. The first exception is
/// thrown again.
void run_all(const std::vector<std::function<void()>>& tasks, std::vector<double>& seconds) {
  std::vector<size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  seconds.resize(tasks.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return seconds[a] > seconds[b]; });
  std::vector<std::exception_ptr> errors(tasks.size());
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < order.size(); ++i) {
    const auto start = Clock::now();
    try {
      tasks[order[i]]();
    } catch (...) {
      errors[order[i]] = std::current_exception();
    }
    seconds[order[i]] = seconds_since(start);
  }
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
}

std::string short_name(const std::string& path) {
  const auto name = std::filesystem::path(path).filename().string();
  return name.empty() ? path : name;
}

VideoSurvey survey_with_progress(const VideoInput& input, FrameSource& frames) {
  if (input.film) return survey(input);
  ShareProgress progress(short_name(input.path) + ": length and shots");
  return survey_frames(frames, input.path, [&](double share) {
    throw_if_cancelled();
    progress.update(share);
  });
}

/// Metrics count in even steps: a video of a variable rate is brought to them, and its survey, too.
std::optional<EvenGrid> grid_of(VideoResult& result) {
  VideoSurvey& survey = result.survey;
  if (are_even(survey.times)) return {};
  EvenGrid grid = even_grid(survey.times, result.path);
  const auto frames = static_cast<int64_t>(grid.sources.size());
  survey.notes.push_back(fmt::format(
      "measured at {:.4g} even frames/s, where its {} frames become {}: a frame stays until the "
      "next is due",
      grid.fps, survey.frames, frames));
  survey.shots = grid.shots(survey.shots);
  survey.frames = frames;
  survey.fps = grid.fps;
  return grid;
}

/// Threads for decoding: those that the metrics leave, for they and the decoder work at once.
int threads_beside(size_t metrics) {
  return std::max(1, omp_get_max_threads() - static_cast<int>(metrics));
}

}  // namespace

std::vector<std::unique_ptr<VideoMetric>> default_video_metrics(const VideoInfo& video,
                                                                const VideoMetricOptions& options,
                                                                const PromptFeatures& prompt) {
  auto metrics = registered_video_metrics(video, options.frames_per_shot);
  for (auto& metric : network_scores(video, options, prompt)) metrics.push_back(std::move(metric));
  return metrics;
}

bool feed(FrameSource& frames, const std::vector<int64_t>& shots,
          const std::vector<std::unique_ptr<VideoMetric>>& metrics,
          const std::function<void(int64_t)>& progress) {
  const OneOpenCvThread one_thread;
  std::vector<double> seconds;
  std::vector<cv::Mat> batch = read_batch(frames), next;
  for (int64_t done = 0; !batch.empty(); std::swap(batch, next)) {
    std::vector<std::function<void()>> tasks = {[&] { next = read_batch(frames); }};
    for (const auto& metric : metrics)
      tasks.emplace_back([&, done] {
        for (size_t i = 0; i < batch.size(); ++i)
          metric->add(batch[i], static_cast<int>(shot_of(shots, done + static_cast<int64_t>(i))));
      });
    run_all(tasks, seconds);
    done += static_cast<int64_t>(batch.size());
    if (progress) progress(done);
    if (interrupted()) return false;
  }
  return true;
}

bool measure_video(const VideoInput& input, const VideoMetricOptions& options,
                   VideoResult& result) {
  result = {.path = input.path};
  try {
    KeptFrames kept(open_frames(input));
    result.survey = survey_with_progress(input, kept);
    result.shots_from = input.film ? "the film" : "content detector";
    if (!options.shots.empty()) {
      validate_shots(options.shots, result.survey.frames);
      result.survey.shots = options.shots;
      result.shots_from = "given";
    }
    const std::optional<EvenGrid> grid = grid_of(result);
    VideoInfo video{result.survey.frames, result.survey.fps, result.survey.shots};
    video.pictures = !input.images.empty();
    if (input.film)
      video.identity = [film = input.film](int64_t frame) { return film->identity(frame); };
    if (options.long_protocol && video.fps < 1)
      result.survey.notes.push_back("no scores over clips: less than one frame per second");
    const auto prompt = options.prompts.find(input.path);
    const auto metrics = default_video_metrics(
        video, options, prompt == options.prompts.end() ? PromptFeatures{} : prompt->second);
    const auto start = Clock::now();
    auto frames = kept.again();
    if (!frames) frames = open_frames(input, threads_beside(metrics.size()));
    if (grid) frames = evenly(std::move(frames), *grid);
    Progress progress(short_name(input.path) + ": measuring", video.frames);
    if (!feed(*frames, video.shots, metrics, [&](int64_t done) { progress.update(done); }))
      return false;
    result.seconds = seconds_since(start);
    for (const auto& metric : metrics)
      for (VideoScore& score : metric->scores()) result.scores.push_back(std::move(score));
  } catch (const Cancelled&) {
    return false;
  } catch (const std::exception&) {  // what the other videos gave is not lost for it
    result.error = failure_text(std::current_exception());
  }
  return true;
}

}  // namespace vidattn
