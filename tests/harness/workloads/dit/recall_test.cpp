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

/// Frames of noise, which two videos of a clip do not share.
std::vector<cv::Mat> noise(const TrainingClip& clip, uint64_t seed) {
  Random random(seed, 0x6e);
  std::vector<cv::Mat> frames;
  for (int64_t i = 0; i < clip.film().spec().frames; ++i) {
    cv::Mat frame(static_cast<int>(clip.film().spec().height),
                  static_cast<int>(clip.film().spec().width), CV_8UC3);
    for (int y = 0; y < frame.rows; ++y)
      for (int x = 0; x < frame.cols; ++x)
        for (int c = 0; c < 3; ++c)
          frame.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uint8_t>(128 + 60 * random.normal());
    frames.push_back(frame);
  }
  return frames;
}

TrainingClip opposite_of(const TrainingClip& clip, int character) {
  return clip.recoloured(character, opposite_colour(clip.colour_of(character)));
}

/// `share` of a and the rest of b, moved to the right by `right` pixels.
std::vector<cv::Mat> mixed(const std::vector<cv::Mat>& a, const std::vector<cv::Mat>& b,
                           double share, int right) {
  std::vector<cv::Mat> frames;
  for (size_t i = 0; i < a.size(); ++i) {
    cv::Mat both, moved(a[i].size(), a[i].type(), cv::Scalar::all(128));
    cv::addWeighted(a[i], share, b[i], 1 - share, 0, both);
    both.colRange(0, both.cols - right).copyTo(moved.colRange(right, moved.cols));
    frames.push_back(moved);
  }
  return frames;
}

TEST(Recall, OppositeColoursAreOppositeEachOther) {
  for (int colour = 0; colour < kColours; ++colour) {
    EXPECT_NE(opposite_colour(colour), colour);
    EXPECT_EQ(opposite_colour(opposite_colour(colour)), colour);
  }
}

TEST(Recall, FindsTheTrueColourOfTheTrueClip) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const TrainingClip clip(seed, 6, 8, 8);
    const std::vector<cv::Mat> frames = decoded(clip);
    for (size_t shot = 0; shot < clip.grid().shots.size(); ++shot)
      for (const auto& role : clip.film().script(static_cast<int64_t>(shot)).roles) {
        const ColourRecall recall =
            recalled_colour(clip, role.character, static_cast<int64_t>(shot), frames,
                            decoded(opposite_of(clip, role.character)));
        EXPECT_EQ(recall.colour, clip.colour_of(role.character)) << seed << " " << shot;
        EXPECT_NEAR(recall.kept, 1, 1e-6) << seed << " " << shot;
      }
  }
}

TEST(Recall, FindsAnotherColourWhereItIsPainted) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const TrainingClip clip(seed, 6, 8, 8);
    const int colour = (clip.colour_of(0) + 1 + static_cast<int>(seed) % (kColours - 1)) % kColours;
    const TrainingClip other = clip.recoloured(0, colour);
    const ColourRecall recall =
        recalled_colour(clip, 0, 2, decoded(other), decoded(opposite_of(other, 0)));
    EXPECT_EQ(recall.colour, colour);
    if (colour == opposite_colour(clip.colour_of(0))) {
      EXPECT_NEAR(recall.kept, -1, 1e-6);
    }
  }
}

/// What a network paints is vague, and not where the true clip has it.
TEST(Recall, OfAVagueCharacterBesideItsPlace) {
  int right = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const TrainingClip clip(seed, 6, 8, 8);
    const std::vector<cv::Mat> own = decoded(clip), other = decoded(opposite_of(clip, 0));
    const ColourRecall vague =
        recalled_colour(clip, 0, 2, mixed(own, other, 0.6, 0), mixed(own, other, 0.4, 0));
    EXPECT_NEAR(vague.kept, 0.2, 0.03) << seed;
    const ColourRecall beside =
        recalled_colour(clip, 0, 2, mixed(own, other, 0.6, 12), mixed(own, other, 0.4, 12));
    EXPECT_LT(beside.kept, vague.kept) << seed;
    right += beside.colour == clip.colour_of(0);
  }
  EXPECT_GE(right, 11);
}

TEST(Recall, OfNoiseIsChance) {
  constexpr int kClips = 240;
  int right = 0;
  double kept = 0;
  for (uint64_t seed = 0; seed < kClips; ++seed) {
    const TrainingClip clip(seed, 3, 2, 2);
    const ColourRecall recall =
        recalled_colour(clip, 0, 2, noise(clip, 2 * seed), noise(clip, 2 * seed + 1));
    right += recall.colour == clip.colour_of(0);
    kept += recall.kept / kClips;
  }
  EXPECT_NEAR(right, 1.0 * kClips / kColours, 23);  // four standard deviations
  EXPECT_NEAR(kept, 0, 0.05);
}

TEST(Recall, NothingIsRecalledWhereNothingChanges) {
  const TrainingClip clip(1, 6, 8, 8);
  const std::vector<cv::Mat> frames = decoded(clip);
  const ColourRecall recall = recalled_colour(clip, 0, 2, frames, frames);
  EXPECT_EQ(recall.colour, -1);
  EXPECT_EQ(recall.kept, 0);
}

TEST(Recall, RefusesWhatItCannotJudge) {
  const TrainingClip clip(1, 3, 4, 4);
  const std::vector<cv::Mat> whole = decoded(clip);
  std::vector<cv::Mat> frames = whole;
  const auto judge = [&](int character, int64_t shot, const std::vector<cv::Mat>& opposite) {
    return recalled_colour(clip, character, shot, frames, opposite);
  };
  EXPECT_THROW(judge(0, 1, whole), InputError);  // not in that shot
  EXPECT_THROW(judge(0, -1, whole), InputError);
  EXPECT_THROW(judge(0, 3, whole), InputError);
  EXPECT_THROW(judge(4, 0, whole), InputError);
  EXPECT_THROW(judge(0, 0, {}), InputError);
  frames.back() = frames.back().rowRange(0, 16);
  EXPECT_THROW(judge(0, 0, whole), InputError);
  frames.pop_back();
  EXPECT_THROW(judge(0, 0, whole), InputError);
}

}  // namespace
}  // namespace vidattn
