#include "harness/workloads/shots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "harness/workloads/film/film.h"
#include "harness/workloads/video/video.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

/// All boundaries are clean cuts, apart from a fade in at the start of the video.
void expect_shots(const std::string& file, const std::vector<int64_t>& starts) {
  for (const CutRule rule : {CutRule::content, CutRule::adaptive}) {
    const VideoSurvey survey = survey_video(file, {}, {.rule = rule});
    EXPECT_EQ(survey.shots, starts) << file;
    for (const Boundary& boundary : survey.boundaries) {
      const bool fade_in = boundary.frame == 0;
      EXPECT_EQ(boundary.kind, fade_in ? Transition::fade : Transition::cut) << file;
      EXPECT_EQ(boundary.clean(), !fade_in) << file;
    }
  }
}

TEST(Shots, AreTheTrueOnesOfAClip) {
  const Film film({.seed = 7, .frames = 81, .height = 80, .width = 144});  // what was encoded
  EXPECT_EQ(film.shot_starts(), (std::vector<int64_t>{0, 32, 63}));
  expect_shots(VIDATTN_SOURCE_DIR "/tests/data/three_shots.mp4", film.shot_starts());
}

/// More of them, where there are some.
TEST(Shots, AreTheTrueOnesOfFilmedClips) {
  const std::string folder = VIDATTN_SOURCE_DIR "/../shared/clips/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no clips at " << folder;
  expect_shots(folder + "bbb_480p_30s.mp4", {0, 285, 378, 553});
  expect_shots(folder + "bikes.mp4", {0, 30, 76, 137, 187, 242});
  expect_shots(folder + "oa4_launch.webm", {0, 74});
  const auto fade_in = survey_video(folder + "bbb_480p_30s.mp4", {}, {}).boundaries.at(0);
  EXPECT_NEAR(static_cast<double>(fade_in.last), 55, 10);
}

/// Frames of a film from one shot that dissolve over `length` frames into those of the next one,
/// both moving on, with `around` frames of each before and behind.
std::vector<cv::Mat> dissolve(const Film& film, int64_t shot, int64_t length, int64_t around = 8) {
  const int64_t from = film.shot_starts()[shot], to = film.shot_starts()[shot + 1];
  std::vector<cv::Mat> frames;
  for (int64_t i = 0; i < length + 2 * around; ++i) {
    const double share = static_cast<double>(i - around + 1) / static_cast<double>(length + 1);
    cv::Mat mixed;
    cv::addWeighted(film.frame(from + i), 1 - std::clamp(share, 0.0, 1.0), film.frame(to + i),
                    std::clamp(share, 0.0, 1.0), 0, mixed);
    frames.push_back(mixed);
  }
  return frames;
}

TEST(Shots, MostDissolvesBetweenMovingShotsAreFound) {
  constexpr int64_t kLength = 8;
  int tried = 0, found = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    const Film film({.seed = seed, .frames = 240, .height = 144, .width = 256});
    const auto& starts = film.shot_starts();
    for (size_t shot = 0; shot + 2 < starts.size(); ++shot) {
      if (std::min(starts[shot + 1] - starts[shot], starts[shot + 2] - starts[shot + 1]) <
          kLength + 16)
        continue;
      ShotDetector detector({.min_length = 4});
      for (const auto& frame : dissolve(film, static_cast<int64_t>(shot), kLength))
        detector.push(frame);
      ++tried;
      for (const Boundary& boundary : detector.boundaries())
        found += boundary.kind == Transition::gradual && boundary.frame > 8 &&
                 boundary.frame < 8 + kLength;
    }
  }
  RecordProperty("found", found);
  EXPECT_GE(tried, 8);
  EXPECT_GE(found, tried / 2) << "of " << tried;
}

/// Windows of 24 frames find a dissolve of 6 wherever they have it inside; motion before and behind
/// must not make it longer.
TEST(Shots, DissolvesAreFoundWhereTheyAre) {
  constexpr int64_t kAround = 26;
  for (const int64_t length : {6, 12, 20}) {
    const int64_t frames = length + 2 * kAround;
    std::vector<int64_t> cuts, excess;
    for (int64_t shot = 0; shot < 7; ++shot) cuts.push_back(shot * frames);
    int64_t missed = 0, found = 0;
    for (const uint64_t seed : {1, 2}) {
      const Film film(
          {.seed = seed, .frames = 7 * frames, .height = 144, .width = 256, .shots = cuts});
      for (int64_t shot = 0; shot < 6; ++shot) {
        ShotDetector detector({.min_length = 4});
        for (const auto& frame : dissolve(film, shot, length, kAround)) detector.push(frame);
        for (const Boundary& boundary : detector.boundaries()) {
          if (boundary.kind != Transition::gradual) continue;
          ++found;
          const int64_t last = kAround + length - 1;
          EXPECT_NEAR(static_cast<double>(boundary.frame), kAround + length / 2.0, 2.5);
          excess.push_back(std::max<int64_t>(0, kAround - boundary.first) +
                           std::max<int64_t>(0, boundary.last - last));
          missed += std::max<int64_t>(0, boundary.first - kAround) +
                    std::max<int64_t>(0, last - boundary.last);
        }
      }
    }
    ASSERT_GE(found, 10) << "of 12, of " << length << " frames";
    std::sort(excess.begin(), excess.end());
    EXPECT_LE(excess[excess.size() / 2], 2) << length;
    EXPECT_LE(missed, found) << length;
  }
}

TEST(LatentFrames, InvertEachOther) {
  EXPECT_EQ(pixel_frames(21), 81);
  for (int64_t t = 1; t < 50; ++t)
    for (int64_t extra = 0; extra < 4; ++extra)
      EXPECT_EQ(latent_frames(pixel_frames(t) + extra), t);
  EXPECT_EQ(first_pixel_frame(0), 0);
  EXPECT_EQ(first_pixel_frame(1), 1);
  EXPECT_EQ(first_pixel_frame(5), 17);
}

TEST(LatentShots, StartWhereMostPixelFramesAreNew) {
  // Latent frame 2 covers pixel frames 5 to 8.
  EXPECT_EQ(latent_shots({0, 5}, 5), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(latent_shots({0, 6}, 5), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(latent_shots({0, 7}, 5), (std::vector<int64_t>{0, 3}));  // a tie: the earlier shot's
  EXPECT_EQ(latent_shots({0, 8}, 5), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(latent_shots({0, 9}, 5), (std::vector<int64_t>{0, 3}));
}

TEST(LatentShots, ShortShotsMergeAndLateOnesVanish) {
  EXPECT_EQ(latent_shots({0, 6, 7}, 5), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(latent_shots({0, 1, 2, 3, 4, 5}, 3), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(latent_shots({0, 16}, 5), (std::vector<int64_t>{0}));
  EXPECT_EQ(latent_shots({0, 100}, 5), (std::vector<int64_t>{0}));
  EXPECT_EQ(latent_shots({0}, 1), (std::vector<int64_t>{0}));
}

TEST(LatentShots, KeepCutsOnLatentBoundaries) {
  std::vector<int64_t> latent = {0, 1, 4, 9, 10, 17}, pixel;
  for (const int64_t t : latent) pixel.push_back(first_pixel_frame(t));
  EXPECT_EQ(latent_shots(pixel, 20), latent);
}

}  // namespace
}  // namespace vidattn
