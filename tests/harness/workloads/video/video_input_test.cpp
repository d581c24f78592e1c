#include "harness/workloads/video/video_input.h"

#include <gtest/gtest.h>

#include "harness/workloads/film/film.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::grey;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_frames;
using testing::write_video;

TEST(VideoInput, AFolderOfPicturesIsOneVideoInTheOrderOfItsNumbers) {
  const TemporaryFolder folder;
  std::vector<cv::Mat> frames;
  for (int i = 0; i < 12; ++i) frames.push_back(grey(10 * i));
  const auto inputs = find_videos({write_frames(folder / "frames", frames)}, 8);
  ASSERT_EQ(inputs.size(), 1U);
  const auto source = open_frames(inputs[0]);
  EXPECT_EQ(source->fps(), 8);
  EXPECT_EQ(source->frames_promised(), 12);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(cv::mean(source->next())[0], 10 * i) << i;  // 9 before 10
  EXPECT_TRUE(source->next().empty());
  const VideoSurvey found = survey(inputs[0]);
  EXPECT_EQ(found.frames, 12);
  EXPECT_EQ(found.width, 64);
  EXPECT_EQ(found.fps, 8);
}

TEST(VideoInput, AFolderOfVideosIsEachOfThem) {
  const TemporaryFolder folder;
  write_video(folder / "b10.avi", {grey(1), grey(2)});
  write_video(folder / "b9.avi", {grey(1), grey(2)});
  write_bytes(folder / "notes.txt", "not a video");
  const auto inputs = find_videos({folder.path().string()}, 24);
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[0].path, folder / "b9.avi");
  EXPECT_EQ(inputs[1].path, folder / "b10.avi");
}

TEST(VideoInput, TheFilmIsKnown) {
  const auto inputs = find_videos({"film", "film:7"}, 24);
  ASSERT_EQ(inputs.size(), 2U);
  const VideoSurvey found = survey(inputs[1]);
  EXPECT_EQ(found.frames, 81);
  EXPECT_EQ(found.shots, Film({.seed = 7}).shot_starts());
}

TEST(VideoInput, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const std::string empty = (folder / "empty").string(), mixed = (folder / "mixed").string();
  std::filesystem::create_directories(empty);
  write_frames(mixed, {grey(1)});
  write_video(folder / "mixed" / "a.avi", {grey(1)});
  const auto find = [](const std::string& path) { return [path] { find_video(path); }; };
  expect_input_error(find((folder / "none.mp4").string()), "does not exist");
  expect_input_error(find(empty), "holds no frames");
  expect_input_error(find(mixed), "holds 1 picture and 1 video");
  expect_input_error(find("film:x"), "write film or film:SEED");
  EXPECT_NE(find_videos({empty}, 24)[0].error.find("holds no frames"), std::string::npos);
}

TEST(VideoInput, StrangersInAFolderAreLeftOutAndNamed) {
  const TemporaryFolder folder;
  const std::string sizes =
      write_frames(folder / "sizes", {grey(1, 60), grey(1), grey(2), grey(3, 10), grey(4)});
  write_bytes(folder / "sizes" / "._0.png", "of another system");
  const VideoSurvey found = survey(find_video(sizes));
  EXPECT_EQ(found.frames, 3);
  EXPECT_EQ(found.width, 64);
  ASSERT_EQ(found.notes.size(), 2U);
  EXPECT_EQ(found.notes[0], "1 hidden file was left out: \"._0.png\"");
  EXPECT_EQ(found.notes[1],
            "2 pictures of another size than 64x48 were left out: \"0.png\", \"3.png\"");
}

TEST(VideoInput, ADamagedPictureIsNamed) {
  const TemporaryFolder folder;
  const std::string damaged = write_frames(folder / "damaged", {grey(1), grey(1)});
  write_bytes(folder / "damaged" / "1.png", "no picture");
  expect_input_error([&] { survey(find_videos({damaged}, 24)[0]); }, "1.png\" cannot be read");
}

}  // namespace
}  // namespace vidattn
