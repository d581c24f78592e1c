#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/harness/curate/painted_videos.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::dissolved;
using testing::painted;
using testing::PaintedScene;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_painted;

class CurateResume : public ::testing::Test {
 protected:
  CurateResume() {
    fs::create_directory(folder_ / "in");
    testing::write_bytes(folder_ / "limits.json",
                         R"({"default": {"least_side": 100, "least_seconds": 3,
                         "video": {"brisque": -100}, "clip": {"brisque": -100}}})");
    for (uint64_t i = 0; i < 3; ++i)
      write_painted(
          folder_ / ("in/v" + std::to_string(i) + ".mp4"),
          dissolved(painted(PaintedScene(20 + i), 36), painted(PaintedScene(30 + i), 36), 0));
  }
  std::string line(const std::string& out, const std::string& more = "") const {
    return " curate " + (folder_ / "in").string() + " --out " + (folder_ / out).string() +
           " --limits " + (folder_ / "limits.json").string() + " --ocr off --quiet " + more;
  }
  std::string manifest(const std::string& out) const {
    return read_bytes(folder_ / out / "manifest.jsonl");
  }

  TemporaryFolder folder_;
};

TEST_F(CurateResume, AKillAtAnyMomentLosesLittle) {
  ASSERT_EQ(run_tool(line("whole")).exit_code, 0);
  ASSERT_NE(manifest("whole"), "");
  for (const char* seconds : {"0.1", "0.2", "0.3", "0.5"})
    run_shell("timeout -s KILL " + std::string(seconds) + " " + VIDATTN_TOOL + line("killed"));
  const ToolResult rest = run_tool(line("killed"));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(manifest("killed"), manifest("whole"));
}

TEST_F(CurateResume, AClipThatIsMissingIsMeasuredAloneAndDamagedStagesAnew) {
  ASSERT_EQ(run_tool(line("out")).exit_code, 0);
  const std::string before = manifest("out");
  std::vector<fs::path> clips;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out/work"))
    if (entry.path().filename().string().starts_with("clip-")) clips.push_back(entry.path());
  ASSERT_EQ(clips.size(), 6U);
  const auto time = fs::last_write_time(clips[1]);
  fs::remove(clips[0]);
  testing::write_bytes(clips[2], "{\"key\": ");
  EXPECT_EQ(run_tool(line("out")).exit_code, 0);
  EXPECT_EQ(manifest("out"), before);
  EXPECT_TRUE(fs::exists(clips[0]));
  EXPECT_EQ(fs::last_write_time(clips[1]), time);
}

/// Whether a process runs; one that only waits for its parent to look does not.
bool is_running(const std::string& id) {
  std::error_code error;
  if (!fs::exists("/proc/" + id, error)) return false;
  const std::string line = read_bytes("/proc/" + id + "/stat");
  return line.find(") Z ") == std::string::npos;
}

TEST_F(CurateResume, AnInterruptEndsTheCaptionerAndWhatItStarted) {
  const std::string ids = (folder_ / "ids").string(), script = (folder_ / "slow.sh").string();
  testing::write_bytes(
      script, "sleep 300 & echo $$ $! >" + ids + ".part; mv " + ids + ".part " + ids + "; wait\n");
  const ToolResult result = run_shell(
      std::string(VIDATTN_TOOL) +
      line("out", "--jobs 1 --captioner 'sh " + script + " {frames} {out}'") +
      " & tool=$!; n=0; while [ ! -e " + ids + " ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); " +
      "done; kill -TERM $tool; wait $tool");
  EXPECT_EQ(result.exit_code, 130) << result.err;
  std::istringstream words(read_bytes(ids));
  std::string captioner, started;
  ASSERT_TRUE(words >> captioner >> started);
  EXPECT_FALSE(is_running(captioner));
  EXPECT_FALSE(is_running(started));
  for (const auto& entry : fs::directory_iterator(folder_ / "out/work/captions"))
    ADD_FAILURE() << entry.path() << " was left";
}

/// Records of a dataset from somebody else lead to no file and no pixel that is not theirs.
TEST_F(CurateResume, RecordsThatSayWhatCannotBeAreMadeAnew) {
  ASSERT_EQ(run_tool(line("out")).exit_code, 0);
  const std::string before = manifest("out");
  const auto change = [&](const std::string& start, auto edit) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out/work")) {
      if (!entry.path().filename().string().starts_with(start)) continue;
      auto record = nlohmann::json::parse(read_bytes(entry.path()));
      edit(record);
      testing::write_bytes(entry.path(), record.dump());
    }
    EXPECT_EQ(run_tool(line("out", "--webdataset 1")).exit_code, 0) << start;
    EXPECT_EQ(manifest("out"), before) << start;
  };
  change("source", [](auto& json) { json["area"] = {0, 0, 5000, 180}; });
  change("segmentation", [](auto& json) { json["clips"][0]["last"] = 1000000; });
  change("clip-", [](auto& json) { json["crop"] = {300, 0, 320, 180}; });
  change("clip-", [](auto& json) { json["number"] = 7; });
  change("clip-", [](auto& json) { json["picture"] = "../../secret.jpg"; });
  change("sample-", [](auto& json) { json["captions"].push_back(json["captions"][0]); });
  change("sample-", [](auto& json) { json["captions"][0]["text"] = ""; });
  change("sample-", [](auto& json) { json["written"] = "painted"; });
  change("sample-", [](auto& json) { json.erase("codec"); });
  change("sample-", [](auto& json) { json["bytes"][0] = 1000000000000000000; });
  change("sample-", [](auto& json) { json.erase("bytes"); });
}

TEST_F(CurateResume, WhatIsLostOrCutShortIsMadeAnew) {
  ASSERT_EQ(run_tool(line("out")).exit_code, 0);
  const std::string before = manifest("out");
  for (const char* folder : {"pictures", "sheets", "samples"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "out" / folder))
      files.push_back(entry.path());
    ASSERT_GE(files.size(), 2U);
    const auto size = fs::file_size(files[1]);
    fs::remove(files[0]);
    fs::resize_file(files[1], 0);
    EXPECT_EQ(run_tool(line("out")).exit_code, 0) << folder;
    EXPECT_TRUE(fs::exists(files[0])) << files[0];
    EXPECT_EQ(fs::file_size(files[1]), size) << files[1];
    EXPECT_EQ(manifest("out"), before) << folder;
  }
}

TEST_F(CurateResume, NoLinkInADatasetLeadsOutOfIt) {
  ASSERT_EQ(run_tool(line("out")).exit_code, 0);
  const std::string video = read_bytes(folder_ / "in/v0.mp4");
  fs::create_directory(folder_ / "mine");
  const auto refused_with = [&](const fs::path& at, const fs::path& to) {
    const bool held = fs::exists(at);
    if (held) fs::rename(at, folder_ / "aside");
    fs::create_symlink(to, at);
    expect_refused(line("out"), at.filename().string());
    fs::remove(at);
    if (held) fs::rename(folder_ / "aside", at);
  };
  const fs::path out = folder_ / "out";
  for (const char* file : {"decisions.jsonl", "manifest.jsonl", "index.html", "nothing"})
    refused_with(out / file, folder_ / "in/v0.mp4");
  for (const char* folder : {"pictures", "samples", "sheets", "work", "shards", "work/captions"})
    refused_with(out / folder, folder_ / "mine");
  for (const auto& entry : fs::directory_iterator(out / "work"))
    if (entry.path().filename() != "captions")
      refused_with(entry.path() / "source.json", folder_ / "in/v0.mp4");
  refused_with(out / "samples/mine.mp4", "/no/such/file");
  EXPECT_EQ(read_bytes(folder_ / "in/v0.mp4"), video);
  EXPECT_TRUE(fs::is_empty(folder_ / "mine"));
  EXPECT_EQ(run_tool(line("out")).exit_code, 0);
}

TEST_F(CurateResume, AFolderIsADatasetByItsMarkAlone) {
  fs::create_directories(folder_ / "project/work/captions");
  expect_refused(line("project"), "other files");
  testing::write_bytes(folder_ / "project/dataset.json", R"({"made_by": "me"})");
  expect_refused(line("project"), "other files");
  expect_refused(line("project", "--worker analyse:v0-01234567"), "other files");
  EXPECT_TRUE(fs::is_empty(folder_ / "project/work/captions"));
  EXPECT_FALSE(fs::exists(folder_ / "project/samples"));
  ASSERT_EQ(run_tool(line("out")).exit_code, 0);
  expect_refused(line("out", "--worker x:y"), "--worker");
}

/// A dataset in the folder of the videos is no video of the next call.
TEST_F(CurateResume, WhatWasMadeIsNotTakenForAVideo) {
  ASSERT_EQ(run_tool(line("in/out")).exit_code, 0);
  const std::string before = manifest("in/out");
  const ToolResult again = run_tool(line("in/out"));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(manifest("in/out"), before);
}

TEST_F(CurateResume, LimitsOfAFolderThatIsNotThereAreNamed) {
  testing::write_bytes(folder_ / "limits.json",
                       R"({"default": {"least_seconds": 1000}, "sources": {"im": {}}})");
  const ToolResult result = run_tool(line("out"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("no video lies in a folder called \"im\""), std::string::npos)
      << result.err;
}

TEST_F(CurateResume, ShardsMakeWhatOneCallMakes) {
  ASSERT_EQ(run_tool(line("whole")).exit_code, 0);
  for (const char* shard : {"1/2", "2/2"}) {
    EXPECT_EQ(run_tool(line("shards", "--shard " + std::string(shard))).exit_code, 0);
    EXPECT_FALSE(fs::exists(folder_ / "shards/manifest.jsonl"));
  }
  const auto time = fs::last_write_time(folder_ / "shards/samples");
  EXPECT_EQ(run_tool(line("shards", "--jobs 1")).exit_code, 0);
  EXPECT_EQ(manifest("shards"), manifest("whole"));
  EXPECT_EQ(fs::last_write_time(folder_ / "shards/samples"), time) << "nothing is cut again";
}

TEST_F(CurateResume, NewLimitsJudgeAnewWithoutMeasuring) {
  ASSERT_EQ(run_tool(line("out")).exit_code, 0);
  std::string id;  // of a video that was worked on
  for (const auto& entry : fs::directory_iterator(folder_ / "out/work"))
    if (entry.path().filename() != "captions") id = entry.path().filename();
  const std::vector<std::string> others = {"mine.mp4",        id + "-mine.mp4",
                                           id + "-s0000.jpg", id + "-s0099.mp4.txt",
                                           id + "-s99.mp4",   "v0-s0000.mp4"};
  for (const std::string& name : others) testing::write_bytes(folder_ / "out/samples" / name, "x");
  testing::write_bytes(folder_ / "out/samples" / (id + "-s0099.mp4"), "of an earlier call");
  fs::create_directory(folder_ / "out/samples" / (id + "-s0098.mp4"));
  const auto time = fs::last_write_time(folder_ / "out/pictures");
  EXPECT_EQ(run_tool(line("out", "--most-seconds 4")).exit_code, 0);
  EXPECT_EQ(fs::last_write_time(folder_ / "out/pictures"), time);
  const std::string shorter = manifest("out");
  for (const std::string& name : others)
    EXPECT_TRUE(fs::exists(folder_ / "out/samples" / name)) << name << " is of somebody else";
  EXPECT_FALSE(fs::exists(folder_ / "out/samples" / (id + "-s0099.mp4")));
  EXPECT_TRUE(fs::exists(folder_ / "out/samples" / (id + "-s0098.mp4"))) << "a folder";
  EXPECT_EQ(std::count(shorter.begin(), shorter.end(), '\n'), 6) << "a shot each";
}

TEST(CurateRealClips, AreCutWhereTheirCutsAre) {
  const std::string clips = VIDATTN_SOURCE_DIR "/../shared/clips/";
  if (!fs::exists(clips + "bikes.mp4")) GTEST_SKIP() << clips << " is missing";
  const TemporaryFolder folder;
  const ToolResult result =
      run_tool("curate " + clips + "bikes.mp4 " + clips + "oa4_launch.webm --out " +
               (folder / "out").string() + " --least-side 240 --least-seconds 5 --quiet");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::string manifest = read_bytes(folder / "out/manifest.jsonl");
  // The shot of the bikes from frame 242 on has a third of a second.
  EXPECT_NE(manifest.find("\"shot_starts\":[0,30,76,137,187]"), std::string::npos) << manifest;
  EXPECT_NE(manifest.find("\"written\":\"copied\""), std::string::npos)
      << "every cut is a key frame";
  EXPECT_NE(manifest.find("\"shot_starts\":[0,74]"), std::string::npos) << manifest;
}

}  // namespace
}  // namespace vidattn
