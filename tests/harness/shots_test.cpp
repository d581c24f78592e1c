#include "harness/shots.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "harness/video.h"

namespace vidattn {
namespace {

TEST(Shots, AreTheTrueOnesOfClipsByBothRules) {
  const struct {
    const char* file;
    std::vector<int64_t> starts;
  } clips[] = {{"bbb_480p_30s.mp4", {0, 285, 378, 553}},
               {"bikes.mp4", {0, 30, 76, 137, 187, 242}},
               {"oa4_launch.webm", {0, 74}}};
  const std::string folder = std::string(VIDATTN_SOURCE_DIR) + "/../shared/clips/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no clips at " << folder;
  for (const auto& clip : clips)
    for (const CutRule rule : {CutRule::content, CutRule::adaptive}) {
      const VideoSurvey survey = survey_video(folder + clip.file, {}, {.rule = rule});
      EXPECT_EQ(survey.shots, clip.starts) << clip.file;
      for (const Boundary& boundary : survey.boundaries) {
        // Only the fade in of the first clip is anything else than a clean cut.
        const bool fade_in = boundary.frame == 0;
        EXPECT_EQ(boundary.kind, fade_in ? Transition::fade : Transition::cut) << clip.file;
        EXPECT_EQ(boundary.clean(), !fade_in) << clip.file;
        if (fade_in) {
          EXPECT_NEAR(static_cast<double>(boundary.last), 55, 10) << clip.file;
        }
      }
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
