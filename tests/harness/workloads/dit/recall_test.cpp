#include "harness/workloads/dit/recall.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "harness/host/random.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/palette.h"

namespace vidattn {
namespace {

std::vector<cv::Mat> decoded(const TrainingClip& clip) {
  return decode_latents(clip.latents(), clip.grid());
}

std::vector<cv::Mat> grey_noise(const TrainingClip& clip, uint64_t seed) {
  Random random(seed, 0x6e);
  std::vector<cv::Mat> frames;
  for (int64_t i = 0; i < clip.film().spec().frames; ++i) {
    cv::Mat frame(static_cast<int>(clip.film().spec().height),
                  static_cast<int>(clip.film().spec().width), CV_8UC3);
    for (int y = 0; y < frame.rows; ++y)
      for (int x = 0; x < frame.cols; ++x)
        frame.at<cv::Vec3b>(y, x) =
            cv::Vec3b::all(cv::saturate_cast<uint8_t>(128 + 60 * random.normal()));
    frames.push_back(frame);
  }
  return frames;
}

TEST(Recall, FindsTheTrueColourOfTheTrueClip) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const TrainingClip clip(seed, 6, 8, 8);
    const std::vector<cv::Mat> frames = decoded(clip);
    for (size_t shot = 0; shot < clip.grid().shots.size(); ++shot)
      for (const auto& role : clip.film().script(static_cast<int64_t>(shot)).roles)
        EXPECT_EQ(painted_colour(clip, role.character, static_cast<int64_t>(shot), frames),
                  clip.colour_of(role.character))
            << "seed " << seed << ", shot " << shot << ", character " << role.character;
  }
}

TEST(Recall, FindsAnotherColourWhereItIsPainted) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const TrainingClip clip(seed, 6, 8, 8);
    const int colour = (clip.colour_of(0) + 1 + static_cast<int>(seed) % (kColours - 1)) % kColours;
    const std::vector<cv::Mat> frames = decoded(clip.recoloured(0, colour));
    for (const int64_t shot : {0, 2}) EXPECT_EQ(painted_colour(clip, 0, shot, frames), colour);
  }
}

TEST(Recall, OfNoiseIsChance) {
  constexpr int kClips = 240;
  int right = 0;
  for (uint64_t seed = 0; seed < kClips; ++seed) {
    const TrainingClip clip(seed, 3, 2, 2);
    right += painted_colour(clip, 0, 2, grey_noise(clip, seed)) == clip.colour_of(0);
  }
  EXPECT_NEAR(right, kClips / kColours, 23);  // four standard deviations
}

TEST(Recall, RefusesWhatItCannotJudge) {
  const TrainingClip clip(1, 3, 4, 4);
  std::vector<cv::Mat> frames = decoded(clip);
  EXPECT_THROW(painted_colour(clip, 0, 1, frames), InputError);  // not in that shot
  EXPECT_THROW(painted_colour(clip, 0, -1, frames), InputError);
  EXPECT_THROW(painted_colour(clip, 0, 3, frames), InputError);
  EXPECT_THROW(painted_colour(clip, 4, 0, frames), InputError);
  frames.back() = frames.back().rowRange(0, 16);
  EXPECT_THROW(painted_colour(clip, 0, 0, frames), InputError);
  frames.pop_back();
  EXPECT_THROW(painted_colour(clip, 0, 0, frames), InputError);
}

}  // namespace
}  // namespace vidattn
