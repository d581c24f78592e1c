#include "harness/curate/shots/segmentation.h"

#include <gtest/gtest.h>

#include "harness/curate/source/judge_source.h"
#include "tests/harness/curate/painted_videos.h"
#include "tests/harness/ffmpeg.h"
#include "tests/harness/tiny_transnet.h"

namespace vidattn {
namespace {

using testing::dissolved;
using testing::ffmpeg;
using testing::painted;
using testing::PaintedScene;
using testing::TemporaryFolder;
using testing::write_painted;

TEST(SegmentVideo, CountsAVariableRateInEvenSteps) {
  const TemporaryFolder folder;
  const std::string even = (folder / "even.mp4").string(),
                    uneven = (folder / "uneven.mkv").string();
  write_painted(even, dissolved(painted(PaintedScene(1), 30), painted(PaintedScene(2), 30), 0));
  // From frame 40 on a frame stays twice as long.
  ffmpeg("-i " + even + " -vf \"setpts='(N+max(0,N-40))/12/TB'\" -vsync vfr -c:v mpeg4 -q:v 3 " +
         uneven);
  const Segmentation plain = segment_video(even, {}), grid = segment_video(uneven, {});
  EXPECT_TRUE(plain.grid.empty());
  ASSERT_EQ(plain.clips.size(), 2U);
  EXPECT_EQ(plain.clips[1].first, 30);
  EXPECT_NEAR(grid.fps, 12, 0.1);
  EXPECT_NEAR(static_cast<double>(grid.frames), 79, 1);
  ASSERT_EQ(grid.clips.size(), 2U);
  EXPECT_EQ(grid.clips[1].first, 30);
  EXPECT_EQ(grid.clips[1].last, grid.frames - 1);
  const auto frames = open_segmented(uneven, grid);
  int64_t count = 0;
  while (frames->skip()) ++count;
  EXPECT_EQ(count, grid.frames);
  const nlohmann::json json = to_json(grid);
  EXPECT_EQ(to_json(read_segmentation(JsonReader(json))), json);
}

TEST(SegmentVideo, AsksTransNetToo) {
  const testing::TemporaryFolder folder;
  const std::string video = (folder / "a.mp4").string();
  std::vector<cv::Mat> frames = painted(PaintedScene(1), 30);
  for (cv::Mat& frame : frames) frame *= 0.1;
  for (int i = 0; i < 30; ++i) frames.emplace_back(frames[0].size(), CV_8UC3, cv::Scalar::all(250));
  std::vector<cv::Mat> light = painted(PaintedScene(3), 30);
  for (cv::Mat& frame : light) frame = frame * 0.3 + cv::Scalar::all(150);
  write_painted(video, dissolved(frames, light, 0));
  const TransNet network(testing::write_transnet(folder / "n.safetensors"), "--transnet");
  const Segmentation asked = segment_video(video, {}, &network), rules = segment_video(video, {});
  ASSERT_EQ(asked.boundaries.size(), 2U);
  EXPECT_EQ(asked.boundaries[0].label(), "cut, clean");
  EXPECT_NE(asked.boundaries[1].label(), "cut, clean") << "less than half as bright is none to it";
  EXPECT_EQ(asked.boundaries[1].transnet, false);
  EXPECT_EQ(rules.boundaries[0].transnet, std::nullopt);
  EXPECT_LT(asked.clips[1].last, rules.clips[1].last) << "frames of a doubtful one are left out";
  const nlohmann::json json = to_json(asked);
  EXPECT_EQ(to_json(read_segmentation(JsonReader(json))), json);
}

TEST(JudgeSource, LooksAtKeyFramesAlone) {
  const TemporaryFolder folder;
  const std::string path = (folder / "a.mp4").string();
  // A key frame every 24 frames: blue, while all others are painted.
  ffmpeg(
      "-f lavfi -i testsrc=size=128x96:rate=24:duration=6 -vf \"geq=lum='if(mod(N,24),lum(X,Y),"
      "60)':cb='if(mod(N,24),cb(X,Y),200)':cr='if(mod(N,24),cr(X,Y),90)'\" -c:v mpeg4 -g 24 "
      "-sc_threshold 1000000000 " +
      path);
  const SourceReport report = judge_source(path, {}, {});
  EXPECT_EQ(report.quality.frames, 6);
  EXPECT_LT(report.quality.contrast, 0.01);
  EXPECT_NEAR(report.seconds, 6, 0.1);
  EXPECT_EQ(report.decisions.first_drop()->rule, "source.side");
  const nlohmann::json json = to_json(report);
  EXPECT_EQ(to_json(read_source_report(JsonReader(json))), json);
}

}  // namespace
}  // namespace vidattn
