#include "harness/workloads/dit/recall.h"

#include <algorithm>
#include <array>
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

/// The true clip's shot as it looks when it is decoded: no painted video can be better.
std::vector<cv::Mat> decoded_shot(const TrainingClip& clip, const ShotSpan& span) {
  std::vector<float> tokens(clip.grid().frame_size() * kPatchChannels);
  const auto render = [&](int64_t i) { return clip.film().frame(i); };
  std::vector<cv::Mat> all;
  for (int64_t t = span.begin; t < span.end; ++t) {
    encode_latent_frame(render, clip.grid(), t, tokens.data());
    for (const cv::Mat& frame : decode_latent_frame(tokens.data(), clip.grid(), t))
      all.push_back(frame);
  }
  return all;
}

/// Mean colour of a shot's frames where the masks are.
cv::Scalar mean_colour(const cv::Mat* frames, const std::vector<cv::Mat>& masks) {
  cv::Scalar sum;
  double pixels = 0;
  for (size_t i = 0; i < masks.size(); ++i) {
    const double count = cv::countNonZero(masks[i]);
    sum += cv::mean(frames[i], masks[i]) * count;
    pixels += count;
  }
  return sum * (1 / pixels);
}

/// Where a character is in the pixel frames of a shot that shows it.
std::vector<cv::Mat> masks_of(const TrainingClip& clip, int character, int64_t shot) {
  const ShotSpan span = span_of(clip.grid(), shot);
  std::vector<cv::Mat> masks;
  for (int64_t i = span.first_pixel(); i < span.end_pixel(); ++i)
    masks.push_back(clip.film().identity(i) == character + 1);
  const auto empty = [](const cv::Mat& mask) { return cv::countNonZero(mask) == 0; };
  if (std::ranges::all_of(masks, empty))
    throw InputError("recall: character " + std::to_string(character) + " is not seen in shot " +
                     std::to_string(shot));
  return masks;
}

}  // namespace

ColourRecall recalled_colour(const TrainingClip& truth, int character, int64_t shot,
                             const std::vector<cv::Mat>& frames,
                             const std::vector<cv::Mat>& opposite) {
  const ShotSpan span = span_of(truth.grid(), shot);
  check_frames(truth, frames);
  check_frames(truth, opposite);
  const std::vector<cv::Mat> masks = masks_of(truth, character, shot);
  std::array<cv::Scalar, kColours> means;
  for (int colour = 0; colour < kColours; ++colour)
    means[colour] =
        mean_colour(decoded_shot(truth.recoloured(character, colour), span).data(), masks);
  const cv::Scalar painted = mean_colour(&frames[span.first_pixel()], masks) -
                             mean_colour(&opposite[span.first_pixel()], masks);
  ColourRecall recall;
  double most = 0;
  for (int colour = 0; colour < kColours; ++colour) {
    const cv::Scalar change = means[colour] - means[opposite_colour(colour)];
    const double along = painted.dot(change), length = cv::norm(change);
    if (along / length > most) {
      most = along / length;
      recall.colour = colour;
    }
    if (colour == truth.colour_of(character)) recall.kept = along / (length * length);
  }
  return recall;
}

}  // namespace vidattn
