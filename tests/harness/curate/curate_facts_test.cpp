// What `curate` says beside its decisions: shapes of pixels, frames and seconds, what was skipped
// or not looked for, captions that failed.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>

#include "harness/curate/record/source_videos.h"
#include "harness/io/json_file.h"
#include "harness/workloads/media/picture.h"
#include "harness/workloads/media/video_reader.h"
#include "tests/harness/curate/painted_videos.h"
#include "tests/harness/ffmpeg.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::dissolved;
using testing::ffmpeg;
using testing::painted;
using testing::PaintedScene;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

constexpr PixelAspect kWide{4, 3};

/// Two shots in black bars, whose pixels are wider than high.
void write_wide(const fs::path& path) {
  VideoFile file(path, VideoCodec::mpeg4, testing::kPaintedFps, {320, 180}, kWide);
  for (const cv::Mat& frame :
       dissolved(painted(PaintedScene(50), 36), painted(PaintedScene(51), 36), 0)) {
    frame.rowRange(0, 20).setTo(cv::Scalar::all(0));
    frame.rowRange(160, 180).setTo(cv::Scalar::all(0));
    file.write(frame);
  }
  file.commit();
}

/// Two shots, of which the second begins with frame 30. The ten frames before it stay twice as
/// long.
void write_uneven(const fs::path& path, const fs::path& even) {
  testing::write_painted(
      even, dissolved(painted(PaintedScene(52), 30), painted(PaintedScene(53), 36), 0));
  ffmpeg("-i " + even.string() +
         " -vf \"setpts='(N+max(0,min(N-20,10)))/12/TB'\" -vsync vfr -c:v mpeg4 -q:v 3 " +
         path.string());
  fs::remove(even);
}

constexpr const char* kFactsLimits =
    R"({"default": {"least_side": 180, "least_seconds": 5, "video": {"brisque": -100},
        "clip": {"brisque": -100}}})";

/// A folder that was curated once, with a captioner that fails.
struct Facts {
  TemporaryFolder folder;
  ToolResult result;
  std::map<std::string, json> samples;  ///< by the video's name
  json summary, skipped = json::array();

  Facts() {
    fs::create_directories(folder / "in/behind.mp4");
    fs::create_directory(folder / "elsewhere");
    write_wide(folder / "in/wide.mp4");
    write_uneven(folder / "in/uneven.mkv", folder / "even.mp4");
    ::mkfifo((folder / "in/pipe.mp4").c_str(), 0600);
    fs::create_symlink("nothing", folder / "in/gone.webm");
    fs::create_symlink("loop.mp4", folder / "in/loop.mp4");
    fs::create_directory_symlink(folder / "elsewhere", folder / "in/more");
    write_bytes(folder / "limits.json", kFactsLimits);
    result = run_tool("curate " + (folder / "in").string() + " --out " + (folder / "out").string() +
                      " --limits " + (folder / "limits.json").string() +
                      " --ocr off --quiet --captioner 'false {frames} {out}'");
    std::istringstream lines(read_bytes(folder / "out/manifest.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const json sample = json::parse(line);
      samples[fs::path(sample["video_path"].get<std::string>()).filename()] = sample;
    }
    std::istringstream decisions(read_bytes(folder / "out/decisions.jsonl"));
    for (std::string line; std::getline(decisions, line);)
      if (const json one = json::parse(line); one["kind"] == "skipped") skipped.push_back(one);
    summary = json::parse(read_bytes(folder / "out/summary.json"))["summary"];
  }
  std::string page() const { return read_bytes(folder / "out/index.html"); }
};

const Facts& facts() {
  static const Facts once;
  return once;
}

TEST(CurateFacts, CaptionsThatFailAreOneLineAndCounted) {
  const Facts& f = facts();
  ASSERT_EQ(f.result.exit_code, 3) << f.result.err;
  const std::string line =
      "captions of 4 of 4 shots failed and are made of what was measured; the first: the "
      "captioner ";
  EXPECT_NE(f.result.err.find(line + "\"false\""), std::string::npos) << f.result.err;
  EXPECT_EQ(f.summary["captions"]["shots"], 4);
  EXPECT_EQ(f.summary["captions"]["failed"], 4);
  EXPECT_EQ(f.summary["captions"]["first_error"],
            f.samples.at("uneven.mkv")["shots"][0]["caption_error"]);
  EXPECT_NE(f.page().find(line), std::string::npos);
  EXPECT_NE(f.result.out.find("captions failed"), std::string::npos) << f.result.out;
}

TEST(CurateFacts, TheNextCallAsksAgainForCaptionsThatFailed) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "in");
  write_uneven(folder / "in/uneven.mkv", folder / "even.mp4");
  write_bytes(folder / "limits.json", kFactsLimits);
  const std::string program = folder / "captioner.sh", mended = folder / "mended";
  write_bytes(program, "#!/bin/sh\ntest -e " + mended + " || exit 1\n" +
                           R"(echo '{"caption": "a street"}' > "$2")" + "\n");
  fs::permissions(program, fs::perms::owner_all);
  const auto curated = [&] {
    return run_tool("curate " + (folder / "in").string() + " --out " + (folder / "out").string() +
                    " --limits " + (folder / "limits.json").string() +
                    " --ocr off --quiet --captioner '" + program + " {frames} {out}'");
  };
  EXPECT_EQ(curated().exit_code, 3);
  write_bytes(mended, "");
  const ToolResult again = curated();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  const std::string manifest = read_bytes(folder / "out/manifest.jsonl");
  EXPECT_NE(manifest.find("\"a street\""), std::string::npos) << manifest;
  EXPECT_EQ(manifest.find("caption_error"), std::string::npos) << manifest;
}

TEST(CurateFacts, WhatIsNoFileIsSkippedByName) {
  const Facts& f = facts();
  const std::map<std::string, std::string> known{
      {"behind.mp4", "a folder"},
      {"gone.webm", "a link to nothing"},
      {"loop.mp4", "Too many levels of symbolic links"},
      {"more", "a link to a folder, which is not followed"},
      {"pipe.mp4", "a FIFO"}};
  std::map<std::string, std::string> found;
  for (const json& one : f.skipped)
    found[fs::path(one["video_path"].get<std::string>()).filename()] = one["reason"];
  EXPECT_EQ(found, known);
  EXPECT_EQ(f.summary["skipped"].size(), known.size());
  for (const auto& [name, reason] : known) {
    EXPECT_NE(f.result.err.find(name + ": skipped: " + reason + "\n"), std::string::npos)
        << f.result.err;
    EXPECT_NE(f.page().find(name + ": " + reason), std::string::npos);
  }
  EXPECT_EQ(std::count(f.result.err.begin(), f.result.err.end(), '\n'), 6) << f.result.err;
}

TEST(CurateFacts, NetworksThatItDoesNotAskAreRefused) {
  const TemporaryFolder folder;
  testing::write_bytes(folder / "x.mp4", "");
  expect_refused("curate " + folder.path().string() + " --out " + (folder / "out").string() +
                     " --model efficientnet_lite0=x.pt",
                 "known are clip_l14, aesthetic_head");
}

TEST(CurateFacts, VideosAreOfAllUsualEndingsAndTakenOnce) {
  const testing::TemporaryFolder folder;
  fs::create_directory(folder / "a");
  for (const char* name : {"x.ts", "x.MTS", "x.wmv", "x.y4m", "x.txt", "a/x.3gp"})
    testing::write_bytes(folder / name, "");
  const std::string all = folder.path().string(), part = (folder / "a").string();
  EXPECT_EQ(list_videos({all}, "out").videos.size(), 5U);
  testing::expect_input_error([&] { list_videos({all, part}, "out"); }, "which is given, too");
  testing::expect_input_error([&] { list_videos({part, part + "/"}, "out"); }, "given twice");
}

TEST(CurateFacts, AFolderOfNoFilesSaysWhatIsInIt) {
  const TemporaryFolder folder;
  ::mkfifo((folder / "pipe.mp4").c_str(), 0600);
  testing::expect_input_error([&] { list_videos({folder.path().string()}, "out"); },
                              "pipe.mp4\" is a FIFO");
}

TEST(CurateFacts, PixelsThatAreNotSquareStaySo) {
  const Facts& f = facts();
  const json& sample = f.samples.at("wide.mp4");
  EXPECT_EQ(sample["written"], "encoded");
  EXPECT_EQ(sample["encoded_because"], "cropped");
  EXPECT_EQ(sample["pixel_aspect"], (json{4, 3}));
  EXPECT_NEAR(sample["width"].get<double>() / sample["height"].get<double>(), 16.0 / 9, 0.02);
  VideoReader reader((f.folder / "out" / sample["file"].get<std::string>()).string());
  ASSERT_FALSE(reader.next().empty());
  EXPECT_EQ(reader.pixel_aspect(), kWide);
  const json& square = f.samples.at("uneven.mkv");
  EXPECT_EQ(square["pixel_aspect"], (json{1, 1}));
  const fs::path pictures = f.folder / "out/pictures";
  for (const auto& entry : fs::directory_iterator(pictures)) {
    const cv::Mat picture = read_picture(entry.path().string());
    const double shown = entry.path().filename().string().starts_with("wide") ? 4.0 / 3 : 1;
    EXPECT_NEAR(static_cast<double>(picture.cols) / picture.rows, shown * 16 / 9, 0.05);
  }
}

TEST(CurateFacts, ShotsHaveFramesAndSeconds) {
  const json& sample = facts().samples.at("uneven.mkv");
  ASSERT_EQ(sample["shots"].size(), 2U);
  const json& shot = sample["shots"][1];
  EXPECT_EQ(shot["source_first"], 40) << "on the even grid";
  EXPECT_EQ(shot["decoded_first"], 30);
  EXPECT_EQ(shot["decoded_last"], 65);
  EXPECT_NEAR(shot["from_s"].get<double>(), 40 / 12.0, 0.05);
  EXPECT_EQ(sample["shot_starts"], (json{0, 40}));
  EXPECT_NEAR(sample["shot_starts_s"][1].get<double>(), 40 / 12.0, 0.05);
  const json& even = facts().samples.at("wide.mp4");
  EXPECT_EQ(even["shots"][1]["decoded_first"], 36);
  EXPECT_EQ(even["shots"][1]["source_first"], 36);
  EXPECT_EQ(even["shot_starts_s"], (json{0.0, 3.0}));
}

TEST(CurateFacts, SaysThatLogosWereNotLookedFor) {
  const Facts& f = facts();
  EXPECT_EQ(f.summary["logos_not_looked_for"], 2);
  const auto says_it = [](const json& notes) {
    return std::any_of(notes.begin(), notes.end(), [](const json& note) {
      return note.get<std::string>().starts_with("logos were not looked for: ");
    });
  };
  for (const auto& [name, sample] : f.samples)
    EXPECT_TRUE(says_it(sample["notes"])) << sample["notes"];
  EXPECT_NE(f.page().find("logos were not looked for: "), std::string::npos);
  EXPECT_NE(f.result.out.find("logos not looked for"), std::string::npos) << f.result.out;
}

}  // namespace
}  // namespace vidattn
