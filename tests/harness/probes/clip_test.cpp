#include "harness/probes/clip.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/workloads/media/video_reader.h"
#include "tests/harness/files.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

const ClipRequest kSmall{.source = "film:3", .frames = 5, .height = 32};

TEST(Clip, OfTheFilmHasItsShotsAndSize) {
  ClipRequest request = kSmall;
  request.frames = 21;
  const Clip clip = load_clip(request);
  ASSERT_EQ(clip.frames.size(), 21U);
  EXPECT_EQ(clip.frames[0].size(), cv::Size(56, 32));
  EXPECT_EQ(clip.shots.size(), 3U);  // 5 s in shots of 2 s
  EXPECT_EQ(clip.fps, 4);
}

TEST(Clip, OfAVideoSpreadsOverAllOfIt) {
  const std::string file = VIDATTN_SOURCE_DIR "/tests/data/three_shots.mp4";
  const Clip clip = load_clip({.source = file, .frames = 25, .height = 48});
  EXPECT_EQ(clip.frames.size(), 25U);
  EXPECT_EQ(clip.frames[0].size(), cv::Size(88, 48));
  // Cuts at 32 and 63 of 81 frames, sampled every 80/24.
  EXPECT_EQ(clip.shots, (std::vector<int64_t>{0, 10, 19}));
}

TEST(Clip, RefusesWhatCannotBe) {
  const auto refused = [](auto&& change, const char* part) {
    ClipRequest request = kSmall;
    change(request);
    expect_input_error([&] { load_clip(request); }, part);
  };
  refused([](ClipRequest& r) { r.source = "film:x"; }, "film:SEED");
  refused([](ClipRequest& r) { r.source = "/nowhere.mp4"; }, "does not exist");
  refused([](ClipRequest& r) { r.frames = 1; }, "2 to");
  refused([](ClipRequest& r) { r.height = 36; }, "multiple of 8");
}

TEST(Clip, NoiseHasItsDeviationAndFollowsTheSeed) {
  const std::vector<cv::Mat> grey(2, cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(128)));
  const auto noisy = add_noise(grey, 25, 4);
  cv::Mat mean, deviation;
  cv::meanStdDev(noisy[1], mean, deviation);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean.at<double>(c), 128, 1.5);
    EXPECT_NEAR(deviation.at<double>(c), 25, 1);
  }
  EXPECT_EQ(cv::norm(noisy[0], add_noise(grey, 25, 4)[0]), 0);
  EXPECT_GT(cv::norm(noisy[0], add_noise(grey, 25, 5)[0]), 0);
  EXPECT_GT(cv::norm(noisy[0], noisy[1]), 0);
}

TEST(Clip, FilmLabelsAreItsCharacters) {
  ClipRequest request = kSmall;
  request.height = 64;
  const LabelTask task = film_label_task(request, 2);
  EXPECT_EQ(task.grid.height, 8);
  EXPECT_EQ(task.grid.width, 14);
  ASSERT_EQ(task.labels.size(), static_cast<size_t>(5 * 8 * 14));
  const auto people = std::count_if(task.labels.begin(), task.labels.end(),
                                    [](int32_t label) { return label > 0; });
  EXPECT_GT(people, 10);
  EXPECT_LT(people, 280);
}

TEST(Clip, WrittenVideosComeBackExactly) {
  const testing::TemporaryFolder folder;
  const Clip clip = load_clip(kSmall);
  const std::string path = folder / "clip.avi";
  write_lossless(path, clip.frames, clip.fps);
  VideoReader reader(path);
  for (const cv::Mat& frame : clip.frames) EXPECT_EQ(cv::norm(reader.next(), frame), 0);
  expect_input_error([&] { write_lossless(folder / "no/clip.avi", clip.frames, 4); },
                     "No such file or directory");
}

}  // namespace
}  // namespace vidattn
