#include "harness/probes/clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "attention/cancel.h"
#include "attention/error.h"
#include "attention/parallel.h"
#include "harness/host/random.h"
#include "harness/io/text/path_json.h"
#include "harness/workloads/features.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/media/video_file.h"
#include "harness/workloads/shots.h"
#include "harness/workloads/video/video_input.h"
#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

constexpr int64_t kUnit = 8;             // pixels; a patch of the restoration
constexpr double kFilmAspect = 9.0 / 5;  // 576x320: 36x20 tokens of 16x16 pixels
constexpr int64_t kMostFrames = 1000, kMostHeight = 2160;

/// The width that belongs to the clip's height, rounded to whole patches.
int64_t clip_width(int64_t height, double aspect) {
  return std::max<int64_t>(2, std::llround(static_cast<double>(height) * aspect / kUnit)) * kUnit;
}

/// Twice the clip's size, so that shrinking leaves sharp edges without film grain.
FilmSpec film_spec(const ClipRequest& request) {
  return {.seed = *film_seed(request.source),
          .frames = pixel_frames(request.frames),
          .height = 2 * request.height,
          .width = 2 * clip_width(request.height, kFilmAspect)};
}

cv::Mat shrink(const cv::Mat& frame, cv::Size size) {
  cv::Mat small;
  cv::resize(frame, small, size, 0, 0, cv::INTER_AREA);
  return small;
}

void report(const std::function<void(double)>& progress, int64_t done, int64_t all) {
  throw_if_cancelled();
  if (progress) progress(static_cast<double>(done) / static_cast<double>(all));
}

Clip film_clip(const ClipRequest& request, const std::function<void(double)>& progress) {
  const Film film(film_spec(request));
  const FrameSampling every_fourth{request.frames, 4};
  Clip clip{.name = "film:" + std::to_string(film.spec().seed),
            .shots = sampled_shots(film.shot_starts(), every_fourth),
            .fps = film.spec().fps / every_fourth.stride};
  const cv::Size size(static_cast<int>(film.spec().width / 2), static_cast<int>(request.height));
  for (int64_t i = 0; i < request.frames; ++i) {
    clip.frames.push_back(shrink(film.frame(every_fourth.frame(i)), size));
    report(progress, i + 1, request.frames);
  }
  clip.provenance = {{"source", "film"}, {"seed", film.spec().seed}, {"stride", 4}};
  return clip;
}

Clip video_clip(const ClipRequest& request, const std::function<void(double)>& progress) {
  const auto half = [&](double share) {
    throw_if_cancelled();
    if (progress) progress(share / 2);
  };
  const VideoInput input = find_video(request.source);
  const VideoSurvey survey = vidattn::survey(input, half);
  const FrameSampling sampling =
      sample_frames(survey.frames, std::min(request.frames, survey.frames));
  if (sampling.wanted < 2)
    throw InputError("video '" + request.source + "' has one frame, a clip needs 2");
  const int64_t width = clip_width(
      request.height, static_cast<double>(survey.width) / static_cast<double>(survey.height));
  if (width > kLongestSide)
    throw InputError(
        fmt::format("video {} has frames of {} x {}, {} x {} in a clip of this height: "
                    "its sides have at most {} pixels",
                    in_quotes(request.source), survey.width, survey.height, width, request.height,
                    kLongestSide));
  const cv::Size size(static_cast<int>(width), static_cast<int>(request.height));
  Clip clip{.name = request.source,
            .shots = sampled_shots(survey.shots, sampling),
            .fps = survey.fps / sampling.stride,
            .notes = survey.notes};
  if (size.width != survey.width || size.height != survey.height)
    clip.notes.push_back(fmt::format("{}: its frames of {} x {} are restored at {} x {}",
                                     in_quotes(request.source), survey.width, survey.height,
                                     size.width, size.height));
  const auto reader = open_frames(input);
  for (int64_t i = 0, position = 0; i < sampling.wanted; ++i, ++position) {
    for (; position < sampling.frame(i); ++position) reader->skip();
    const cv::Mat frame = reader->next();
    if (frame.empty()) throw InputError("video '" + request.source + "' changed while it was read");
    clip.frames.push_back(shrink(frame, size));
    report(half, sampling.wanted + i + 1, sampling.wanted);
  }
  clip.provenance = {
      {"source", "video"},          {"file_frames", survey.frames}, {"file_height", survey.height},
      {"file_width", survey.width}, {"notes", clip.notes},          {"decoder", survey.decoder},
      {"stride", sampling.stride}};
  put_path(clip.provenance, "path", request.source);
  return clip;
}

/// Character of a token: that of at least half of its pixels in the frames, else 0.
std::vector<int32_t> token_labels(const std::vector<cv::Mat>& masks, const VideoGrid& grid,
                                  int characters) {
  std::vector<int32_t> labels(grid.frame_size());
  const int side = masks[0].rows / static_cast<int>(grid.height);
  for (int64_t p = 0; p < grid.frame_size(); ++p) {
    std::vector<int64_t> pixels(characters + 1);
    for (const cv::Mat& mask : masks)
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          ++pixels[mask.at<uint8_t>(static_cast<int>(p / grid.width) * side + y,
                                    static_cast<int>(p % grid.width) * side + x)];
    const auto best = std::max_element(pixels.begin() + 1, pixels.end());
    if (2 * *best >= static_cast<int64_t>(masks.size()) * side * side)
      labels[p] = static_cast<int32_t>(best - pixels.begin());
  }
  return labels;
}

}  // namespace

void check_clip(const ClipRequest& request) {
  if (request.frames < 2 || request.frames > kMostFrames)
    throw InputError("a clip has 2 to " + std::to_string(kMostFrames) + " frames, not " +
                     std::to_string(request.frames));
  if (request.height < 2 * kUnit || request.height > kMostHeight || request.height % kUnit != 0)
    throw InputError("a clip's height must be a multiple of 8 from 16 to " +
                     std::to_string(kMostHeight) + " pixels, not " +
                     std::to_string(request.height));
  if (!film_seed(request.source)) find_video(request.source);
}

void check_noise(double sigma) {
  if (!(sigma > 0 && sigma <= 255))
    throw InputError("noise must lie above 0 and up to 255 grey levels, not " +
                     fmt::format("{:g}", sigma));
}

Clip load_clip(const ClipRequest& request, const std::function<void(double)>& progress) {
  check_clip(request);
  Clip clip =
      film_seed(request.source) ? film_clip(request, progress) : video_clip(request, progress);
  clip.provenance["frames"] = clip.frames.size();
  clip.provenance["height"] = clip.frames[0].rows;
  clip.provenance["width"] = clip.frames[0].cols;
  clip.provenance["fps"] = clip.fps;
  clip.provenance["shots"] = clip.shots;
  return clip;
}

LabelTask film_label_task(const ClipRequest& request, int64_t known_frames,
                          const std::function<void(double)>& progress) {
  check_clip(request);
  const Film film(film_spec(request));
  LabelTask task{.grid = {.frames = request.frames,
                          .height = film.spec().height / 16,
                          .width = film.spec().width / 16},
                 .regions = film.characters(),
                 .known_frames = known_frames};
  task.grid.shots = latent_shots(film.shot_starts(), request.frames);
  FeatureExtractor extractor(task.grid);
  for (int64_t t = 0; t < request.frames; ++t) {
    std::vector<cv::Mat> masks;
    for (int64_t i = first_pixel_frame(t); i < pixel_frames(t + 1); ++i) {
      extractor.push(film.frame(i));
      masks.push_back(film.identity(i));
    }
    const auto labels = token_labels(masks, task.grid, film.characters());
    task.labels.insert(task.labels.end(), labels.begin(), labels.end());
    report(progress, t + 1, request.frames);
  }
  task.features =
      std::make_shared<const Array>(Array{{task.grid.tokens(), kFeatures}, extractor.finish()});
  return task;
}

std::vector<cv::Mat> add_noise(const std::vector<cv::Mat>& frames, double sigma, uint64_t seed) {
  std::vector<cv::Mat> noisy(frames.size());
  const auto add = [&](size_t t) {
    Random random(seed, 0x4015e000000 + t);
    frames[t].convertTo(noisy[t], CV_32FC3);
    for (int y = 0; y < noisy[t].rows; ++y)
      for (int x = 0; x < noisy[t].cols; ++x)
        for (int c = 0; c < 3; ++c)
          noisy[t].at<cv::Vec3f>(y, x)[c] += static_cast<float>(sigma * random.normal());
  };
  RegionErrors errors;
#pragma omp parallel for
  for (size_t t = 0; t < frames.size(); ++t) errors.catching([&] { add(t); });
  errors.rethrow();
  return noisy;
}

std::vector<cv::Mat> to_8_bit(const std::vector<cv::Mat>& frames) {
  std::vector<cv::Mat> rounded(frames.size());
  for (size_t t = 0; t < frames.size(); ++t) frames[t].convertTo(rounded[t], CV_8UC3);
  return rounded;
}

void write_lossless(const std::string& path, const std::vector<cv::Mat>& frames, double fps) {
  VideoFile file(path, VideoCodec::ffv1, fps, frames.at(0).size());
  for (const cv::Mat& frame : frames) file.write(frame);
  file.commit();
}

}  // namespace vidattn
