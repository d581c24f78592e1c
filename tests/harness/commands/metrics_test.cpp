#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/harness/tool.h"
#include "tests/harness/videos.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::grey;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_frames;
using testing::write_video;

nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(testing::read_bytes(path));
}

TEST(MetricsCommand, MeasuresFilesAndFoldersIntoVBenchsLayout) {
  const TemporaryFolder folder;
  const std::string still = write_frames(folder / "still", std::vector<cv::Mat>(6, grey(100)));
  const std::string video = write_video(folder / "v.avi", {grey(20), grey(71), grey(20)});
  const auto out = folder / "r.json";
  const ToolResult result =
      run_tool("metrics " + still + " " + video + " --out " + out.string() + " --quiet");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"temporal_flickering", "static_pairs", "cross_shot.hsv_lbp_vlad",
                           "undefined: needs two shots", "corpus"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "\n" << result.out;
  const auto json = read_json(out);
  const auto& flicker = json["temporal_flickering"];
  EXPECT_EQ(flicker[1][0]["video_path"], still);
  EXPECT_EQ(flicker[1][0]["video_results"], 1.0);
  EXPECT_NEAR(flicker[1][1]["video_results"].get<double>(), 0.8, 0.01);  // JPEG is not exact
  EXPECT_NEAR(flicker[0].get<double>(), (1 + flicker[1][1]["video_results"].get<double>()) / 2,
              1e-12);
  const auto& ours = json["vidattn"][1];
  EXPECT_EQ(ours["videos"][0]["frames"], 6);
  EXPECT_FALSE(ours["interrupted"]);
}

TEST(MetricsCommand, RefusesBadInputBeforeAnyWork) {
  const TemporaryFolder folder;
  const std::string a = write_frames(folder / "a", {grey(1), grey(2)});
  const std::string out = (folder / "r.json").string();
  for (const auto& [arguments, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "VIDEO"},
           {"none.mp4", "does not exist"},
           {a + " " + a + " --shots 0,1", "a list is for one video"},
           {a + " --shots 0,x", "write first frames as"},
           {a + " --shots 0,", "write first frames as"},
           {a + " --shots \"\"", "--shots: an empty value"},
           {a + " --model foo=x.pt", "no model \"foo\"; known are dino (DINO ViT-B/16)"},
           {a + " --model dino", "write KEY=FILE"},
           {a + " --model dino=x --model dino=y", "given twice"},
           {a + " --model clip_l14=x.pt", "needs both"},
           {a + " --model raft=none.pt", "none.pt"},
           {a + " --model raft=x --model raft=y", "raft is given twice"},
           {a + " --prompts p.jsonl", "--prompts: needs --model viclip_video=FILE.pt"},
           {a + " --fps nan", "--fps: Value nan not in range 0.01 to 10000"},
           {"--model foo=x.pt " + a, "no model \"foo\""},
           {a + " --out " + out + "/no/r.json", "cannot write"}})
    expect_refused("metrics " + arguments + " --quiet", part);
}

TEST(MetricsCommand, OneDamagedVideoDoesNotLoseTheOthers) {
  const TemporaryFolder folder;
  const std::string bytes =
      testing::read_bytes(write_video(folder / "a.avi", std::vector<cv::Mat>(60, grey(9))));
  write_bytes(folder / "cut.avi", bytes.substr(0, bytes.size() / 2));
  write_bytes(folder / "empty.avi", "");
  const auto out = folder / "r.json";
  const ToolResult result =
      run_tool("metrics " + (folder / "empty.avi").string() + " " + (folder / "none.avi").string() +
               " " + (folder / "cut.avi").string() + " " + (folder / "a.avi").string() +
               " --quiet --out " + out.string());
  EXPECT_EQ(result.exit_code, 3);
  for (const char* part : {"empty.avi' is empty", "none.avi' does not exist",
                           "cut off or damaged: its header promises 60 frames"})
    EXPECT_NE((result.out + result.err).find(part), std::string::npos) << part;
  EXPECT_EQ(result.out.find("does not exist"), std::string::npos) << result.out;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2) << result.err;
  const auto json = read_json(out);
  EXPECT_EQ(json["temporal_flickering"][1].size(), 2U);
  const auto& videos = json["vidattn"][1]["videos"];
  EXPECT_TRUE(videos[0].contains("error"));
  EXPECT_TRUE(videos[1].contains("error"));
  EXPECT_EQ(videos[2]["frames_promised"], 60);
}

TEST(MetricsCommand, CtrlCKeepsFinishedVideos) {
  const TemporaryFolder folder;
  const std::string a = write_frames(folder / "a", {grey(1), grey(2)});
  const auto out = folder / "r.json";
  std::string films;
  for (int i = 0; i < 8; ++i) films += " film";
  const std::string script = std::string(VIDATTN_TOOL) + " metrics " + a + films +
                             " --quiet --out " + out.string() + " & pid=$!; while [ ! -s " +
                             out.string() +
                             " ] && kill -0 $pid; do sleep 0.05; done; kill -INT $pid; wait $pid";
  FILE* pipe = popen((script + " 2>/dev/null").c_str(), "r");
  const std::string printed = read_all(pipe);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 130);
  EXPECT_NE(printed.find("of 9 videos measured"), std::string::npos) << printed;
  const auto json = read_json(out);
  EXPECT_EQ(json["temporal_flickering"][1][0]["video_path"], a);
  EXPECT_LT(json["temporal_flickering"][1].size(), 9U);
  EXPECT_TRUE(json["vidattn"][1]["interrupted"]);
}

}  // namespace
}  // namespace vidattn
