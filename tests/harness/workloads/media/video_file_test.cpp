#include "harness/workloads/video/video_file.h"

#include <gtest/gtest.h>

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
    VideoFile file(path, "FFV1", 24, {64, 48});
    file.write(grey(10));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "left without commit()";
  VideoFile file(path, "FFV1", 24, {64, 48});
  file.write(grey(10));
  file.write(grey(20));
  file.commit();
  cv::VideoCapture capture(path.string());
  cv::Mat frame;
  ASSERT_TRUE(capture.read(frame));
  EXPECT_EQ(cv::norm(frame, grey(10), cv::NORM_INF), 0);
}

TEST(VideoFile, SaysWhatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  const cv::Size size(64, 48);
  testing::expect_input_error([&] { VideoFile(folder / "no" / "v.avi", "FFV1", 24, size); },
                              "No such file or directory");
  std::filesystem::create_directory(folder / "v.avi");
  testing::expect_input_error([&] { VideoFile(folder / "v.avi", "FFV1", 24, size); },
                              "Is a directory");
  testing::expect_input_error([&] { VideoFile(folder / "w.avi", "????", 24, size); }, "codec ????");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
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
  const std::string empty = "[ -z \"$(ls -A " + folder.path().string() + ")\" ]";
  const ToolResult result =
      run_shell(run + " & pid=$!; while " + empty +
                " && kill -0 $pid; do sleep 0.02; done; kill -INT $pid; wait $pid");
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace vidattn
