#include "harness/workloads/dit/recall.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>
#include <string>

#include "attention/error.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/palette.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

/// Latent frames of a shot.
struct ShotSpan {
  int64_t begin = 0, end = 0;

  int64_t first_pixel() const { return first_pixel_frame(begin); }
  int64_t end_pixel() const { return first_pixel_frame(end); }
};

ShotSpan span_of(const VideoGrid& grid, int64_t shot) {
  const auto count = static_cast<int64_t>(grid.shots.size());
  if (shot < 0 || shot >= count)
    throw InputError("shot " + std::to_string(shot) + " of " + std::to_string(count));
  return {grid.shots[shot], shot + 1 < count ? grid.shots[shot + 1] : grid.frames};
}

void check_frames(const TrainingClip& truth, const std::vector<cv::Mat>& frames) {
  const FilmSpec& spec = truth.film().spec();
  if (static_cast<int64_t>(frames.size()) != spec.frames)
    throw InputError("recall: " + std::to_string(frames.size()) + " frames of a clip of " +
                     std::to_string(spec.frames));
  const cv::Size size(static_cast<int>(spec.width), static_cast<int>(spec.height));
  for (const cv::Mat& frame : frames)
    if (frame.type() != CV_8UC3 || frame.size() != size)
      throw InputError("recall: a frame of " + std::to_string(frame.cols) + "x" +
                       std::to_string(frame.rows) + " pixels, the clip has 8-bit BGR of " +
                       std::to_string(size.width) + "x" + std::to_string(size.height));
}

/// Where a character is in a pixel frame, without a rim of one pixel where something is left.
cv::Mat inner_mask(const Film& film, int character, int64_t frame) {
  const cv::Mat mask = film.identity(frame) == character + 1;
  cv::Mat inner;
  cv::erode(mask, inner, cv::Mat());
  return cv::countNonZero(inner) > 0 ? inner : mask;
}

/// Squared error of `frames` against a clip's shot as it is decoded, where the masks are.
double shot_error(const TrainingClip& clip, const ShotSpan& span, const std::vector<cv::Mat>& masks,
                  const std::vector<cv::Mat>& frames) {
  std::vector<float> tokens(clip.grid().frame_size() * kPatchChannels);
  const auto render = [&](int64_t i) { return clip.film().frame(i); };
  double error = 0;
  for (int64_t t = span.begin; t < span.end; ++t) {
    encode_latent_frame(render, clip.grid(), t, tokens.data());
    int64_t i = first_pixel_frame(t);
    for (const cv::Mat& best : decode_latent_frame(tokens.data(), clip.grid(), t)) {
      error += cv::norm(best, frames[i], cv::NORM_L2SQR, masks[i - span.first_pixel()]);
      ++i;
    }
  }
  return error;
}

}  // namespace

int painted_colour(const TrainingClip& truth, int character, int64_t shot,
                   const std::vector<cv::Mat>& frames) {
  const ShotSpan span = span_of(truth.grid(), shot);
  check_frames(truth, frames);
  std::vector<cv::Mat> masks;
  for (int64_t i = span.first_pixel(); i < span.end_pixel(); ++i)
    masks.push_back(inner_mask(truth.film(), character, i));
  const auto empty = [](const cv::Mat& mask) { return cv::countNonZero(mask) == 0; };
  if (std::ranges::all_of(masks, empty))
    throw InputError("recall: character " + std::to_string(character) + " is not seen in shot " +
                     std::to_string(shot));
  std::array<double, kColours> errors{};
  for (int colour = 0; colour < kColours; ++colour)
    errors[colour] = shot_error(truth.recoloured(character, colour), span, masks, frames);
  return static_cast<int>(std::ranges::min_element(errors) - errors.begin());
}

}  // namespace vidattn
