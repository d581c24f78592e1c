#include "harness/workloads/media/video_file.h"

#include <gtest/gtest.h>

#include "harness/workloads/media/video_reader.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::grey;

TEST(VideoFile, AppearsWhenCommitted) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "v.avi";
  {
    VideoFile file(path, VideoCodec::ffv1, 24, {64, 48});
    file.write(grey(10));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "left without commit()";
  VideoFile file(path, VideoCodec::ffv1, 24, {64, 48});
  file.write(grey(10));
  file.write(grey(20));
  file.commit();
  VideoReader reader(path);
  EXPECT_EQ(cv::norm(reader.next(), grey(10), cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(reader.next(), grey(20), cv::NORM_INF), 0);
  EXPECT_TRUE(reader.next().empty());
}

TEST(VideoFile, SaysWhatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  const cv::Size size(64, 48);
  testing::expect_input_error(
      [&] { VideoFile(folder / "no" / "v.avi", VideoCodec::ffv1, 24, size); },
      "No such file or directory");
  std::filesystem::create_directory(folder / "v.avi");
  testing::expect_input_error([&] { VideoFile(folder / "v.avi", VideoCodec::ffv1, 24, size); },
                              "Is a directory");
  testing::expect_input_error([&] { VideoFile(folder / "w.mp4", VideoCodec::ffv1, 24, size); },
                              "a file of this ending holds no ffv1");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

/// Writer and reader must mean the same matrix and range, which depend on codec and size.
TEST(VideoFile, ColoursComeBack) {
  const testing::TemporaryFolder folder;
  for (const cv::Size size : {cv::Size(64, 48), cv::Size(1280, 720)})
    for (const auto& [name, codec] : {std::pair("a.mkv", VideoCodec::ffv1),
                                      {"a.mp4", VideoCodec::mpeg4},
                                      {"a.avi", VideoCodec::mjpeg}}) {
      const cv::Mat red(size, CV_8UC3, cv::Scalar(30, 40, 220));
      VideoFile file(folder / name, codec, 24, size);
      for (int i = 0; i < 3; ++i) file.write(red);
      file.commit();
      VideoReader reader(folder / name);
      EXPECT_LE(cv::norm(reader.next(), red, cv::NORM_INF), codec == VideoCodec::ffv1 ? 0 : 4)
          << name << " " << size.width;
    }
}

/// AVI does not say it, so that there it comes from the stream; MP4 does for both.
TEST(VideoFile, PixelsKeepTheirShape) {
  const testing::TemporaryFolder folder;
  for (const auto& [name, codec] : {std::pair("a.mp4", VideoCodec::mpeg4),
                                    {"a.avi", VideoCodec::mpeg4},
                                    {"a.mkv", VideoCodec::ffv1},
                                    {"h.mp4", VideoCodec::h264}}) {
    if (!can_write(codec)) continue;
    for (const PixelAspect& pixels : {PixelAspect{64, 45}, PixelAspect{}}) {
      VideoFile file(folder / name, codec, 24, {64, 48}, pixels);
      file.write(grey(10));
      file.commit();
      VideoReader reader(folder / name);
      EXPECT_EQ(reader.next().size(), cv::Size(64, 48));
      EXPECT_EQ(reader.pixel_aspect(), pixels) << name;
    }
  }
}

TEST(VideoFile, ShapesThatNoStreamCanSayAreComeNearTo) {
  const testing::TemporaryFolder folder;
  VideoFile file(folder / "a.mp4", VideoCodec::mpeg4, 24, {64, 48}, {1'000'000, 750'001});
  file.write(grey(10));
  file.commit();
  VideoReader reader(folder / "a.mp4");
  reader.skip();
  EXPECT_NEAR(reader.pixel_aspect().ratio(), 4.0 / 3, 0.01);
}

/// A limit on the size of files stands in for a full disk.
TEST(VideoFile, AFullDiskIsToldAndLeavesNothing) {
  const testing::TemporaryFolder folder;
  const std::string tool = std::string(VIDATTN_TOOL) + " film --frames 20 --width 320 --height 240";
  for (const char* name : {"film.mp4", "film.avi"}) {
    const ToolResult result =
        run_shell("ulimit -f 64; " + tool + " --out " + (folder / name).string());
    EXPECT_EQ(result.exit_code, 3) << name;
    EXPECT_NE(result.err.find("cannot write"), std::string::npos) << result.err;
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(VideoFile, CtrlCLeavesNothing) {
  const testing::TemporaryFolder folder;
  const std::string run = std::string(VIDATTN_TOOL) +
                          " film --frames 1000000 --width 64 --height 48 --out " +
                          (folder / "film.avi").string();
  const ToolResult result = run_shell(run + " & pid=$!; sleep 1; kill -INT $pid; wait $pid");
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace vidattn
