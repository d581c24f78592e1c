#include "harness/workloads/media/cut_copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/harness/ffmpeg.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::ffmpeg;
using testing::TemporaryFolder;

/// Hashes of the decoded frames.
std::vector<std::string> frames_of(const std::filesystem::path& video) {
  std::istringstream lines(
      run_shell("ffmpeg -nostdin -v error -i " + video.string() + " -f framemd5 - | grep -v '^#'")
          .out);
  std::vector<std::string> frames;
  for (std::string line; std::getline(lines, line);)
    frames.push_back(line.substr(line.rfind(' ') + 1));
  return frames;
}

/// 48 frames with B-frames and a key frame every 12.
void make(const std::filesystem::path& video, const std::string& codec) {
  ffmpeg("-f lavfi -i testsrc=size=128x96:rate=24:duration=2 -c:v " + codec + " " + video.string());
}

const std::string kH264 = "libx264 -g 12 -keyint_min 12 -sc_threshold 0 -bf 2 -pix_fmt yuv420p";

TEST(CutCopy, CopiesRangesFrameByFrame) {
  const TemporaryFolder folder;
  for (const char* name : {"a.mp4", "a.mkv", "b.MP4", "b.MKV"}) {
    const auto video = folder / name, copy = folder / "copy.mp4";
    make(video, kH264);
    const CutPoints points = find_cut_points(video.string());
    ASSERT_EQ(points.times.size(), 48U);
    EXPECT_EQ(points.frames, (std::vector<int64_t>{0, 12, 24, 36}));
    const auto all = frames_of(video);
    for (const std::vector<FrameRange>& ranges : std::vector<std::vector<FrameRange>>{
             {{12, 23}}, {{0, 47}}, {{0, 11}, {24, 47}}, {{36, 47}}}) {
      ASSERT_TRUE(points.allow(ranges));
      copy_ranges(video.string(), points, ranges, copy);
      std::vector<std::string> expected;
      for (const FrameRange& range : ranges)
        expected.insert(expected.end(), all.begin() + range.first, all.begin() + range.last + 1);
      EXPECT_EQ(frames_of(copy), expected) << name << " from " << ranges[0].first;
    }
  }
}

TEST(CutCopy, RefusesOtherPlacesAndOpenGroups) {
  const TemporaryFolder folder;
  const auto video = folder / "a.mp4", open = folder / "open.mp4";
  make(video, kH264);
  const CutPoints points = find_cut_points(video.string());
  EXPECT_FALSE(points.allow({{1, 11}}));
  EXPECT_FALSE(points.allow({{0, 10}}));
  testing::expect_input_error(
      [&] {
        copy_ranges(video.string(), points, {{1, 11}}, folder / "x.mp4");
      },
      "a.mp4");
  EXPECT_FALSE(std::filesystem::exists(folder / "x.mp4"));
  make(open, kH264 + " -x264-params open-gop=1");
  const CutPoints few = find_cut_points(open.string());
  EXPECT_EQ(few.times.size(), 48U);
  EXPECT_LT(few.frames.size(), 4U) << "frames before such a key frame need it";
  EXPECT_TRUE(find_cut_points((folder / "a.avi").string()).frames.empty());
}

}  // namespace
}  // namespace vidattn
