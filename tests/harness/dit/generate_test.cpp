#include "harness/dit/generate.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "harness/io/json_file.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/media/video_reader.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

using testing::random_checkpoint;
using testing::TemporaryFolder;
using testing::tiny_config;

class GenerateCommand : public ::testing::Test {
 protected:
  GenerateCommand() {
    write_checkpoint(folder_ / "m.safetensors", random_checkpoint(tiny_config(2)));
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::string line(const std::string& more) const {
    return "generate --checkpoint " + at("m.safetensors") + " --steps 3 " + more;
  }

  TemporaryFolder folder_;
};

TEST_F(GenerateCommand, WritesAVideoForEveryBackend) {
  const ToolResult result =
      run_tool(line("--backend full --backend stga:hs=1,ws=1 --reference-backend full --given 1 "
                    "--out " +
                    at("v.mp4") + " --json " + at("r.json")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("PSNR dB"), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("painting with"), std::string::npos) << result.err;
  for (const char* name : {"v_full.mp4", "v_stga_hs_1_ws_1.mp4"}) {
    VideoReader video(at(name));
    int64_t frames = 0;
    for (cv::Mat frame = video.next(); !frame.empty(); frame = video.next()) {
      EXPECT_EQ(frame.size(), cv::Size(48, 32));
      ++frames;
    }
    EXPECT_EQ(frames, 13) << name;
  }
  const nlohmann::json record = read_json(at("r.json"));
  EXPECT_EQ(record["tool"], "vidattn generate");
  EXPECT_EQ(record["task"]["given_shots"], 1);
  ASSERT_EQ(record["videos"].size(), 2U);
  EXPECT_EQ(record["videos"][0]["density"], 1);
  EXPECT_LT(record["videos"][1]["density"], 1);
  EXPECT_EQ(record["videos"][1]["calls"], 6);
  EXPECT_TRUE(record["videos"][0]["against_reference"]["psnr"].is_null()) << "equal: infinite";
  EXPECT_GT(record["videos"][1]["against_reference"]["psnr"], 5);
  EXPECT_LT(record["videos"][1]["against_reference"]["ssim"], 1);
}

TEST_F(GenerateCommand, ReadsCaptionsAndSolvesDensities) {
  std::string captions = "park wide\nstreet close\n";
  for (size_t shot = 2; shot < TrainingClip(1, 4, 2, 3).grid().shots.size(); ++shot)
    captions += "park wide, dog left jumps\n";
  testing::write_bytes(at("c.txt"), captions);
  const ToolResult result =
      run_tool(line("--seed 1 --captions " + at("c.txt") +
                    " --backend oracle_token --density 0.5 --json " + at("r.json")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json record = read_json(at("r.json"));
  EXPECT_NEAR(record["videos"][0]["density"].get<double>(), 0.5, 0.1);
  EXPECT_TRUE(record["task"]["captions"][1].get<std::string>().starts_with("street close,"));
  testing::write_bytes(at("c.txt"), captions + "room wide\n");
  expect_refused(line("--seed 1 --captions " + at("c.txt")), "one line a shot");
}

TEST_F(GenerateCommand, PaintsWithWordsInTheVisualAttention) {
  write_checkpoint(folder_ / "m.safetensors", random_checkpoint(tiny_config(2, 3, DitText::joint)));
  const ToolResult result =
      run_tool(line("--backend moga_stga --backend sta --reference-backend full --out " +
                    at("v.mkv") + " --json " + at("r.json")));
  EXPECT_EQ(result.exit_code, 0) << result.err << result.out;
  for (const nlohmann::json& video : read_json(at("r.json"))["videos"]) {
    EXPECT_EQ(video["outcome"], "passed") << video;
    EXPECT_GT(video["check"]["rows"], 0);
    EXPECT_TRUE(video["against_reference"]["psnr"].is_number()) << "attends as full does";
  }
  EXPECT_TRUE(std::filesystem::exists(at("v_moga_stga.mkv")));
}

TEST_F(GenerateCommand, RefusesInOneLine) {
  expect_refused(line("--backend full --backend full --out " + at("v.mp4")), "once");
  expect_refused(line("--out " + at("v.txt")), "must end in .mp4, .avi or .mkv");
  expect_refused(line("--out " + at("none/v.mp4")), "none");
  expect_refused(line("--backend fool"), "unknown backend");
  expect_refused(line("--given 4"), "cannot be given");
  expect_refused(line("--captions " + at("none.txt")), "none.txt");
  expect_refused(line("--density 2"), "density");
  expect_refused("generate --checkpoint " + at("none.safetensors"), "none.safetensors");
  testing::write_bytes(at("bad"), "not a model");
  expect_refused("generate --checkpoint " + at("bad"), "bad");
}

TEST_F(GenerateCommand, OneThatRefusesTheInputsDoesNotStopTheOthers) {
  write_checkpoint(folder_ / "m.safetensors", random_checkpoint(tiny_config(1, 3)));
  const ToolResult result =
      run_tool(line("--backend moga:num_groups=4 --backend full --out " + at("v.mkv")));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_NE(result.err.find("router_logits must be"), std::string::npos) << result.err;
  EXPECT_TRUE(std::filesystem::exists(at("v_full.mkv")));
  EXPECT_FALSE(std::filesystem::exists(at("v_moga_num_groups_4.mkv")));
}

TEST_F(GenerateCommand, AReferenceThatFailsIsToldByTheExitCode) {
  write_checkpoint(folder_ / "m.safetensors", random_checkpoint(tiny_config(1, 3)));
  const ToolResult result = run_tool(line("--backend full --reference-backend moga:num_groups=4"));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_NE(result.err.find("reference moga:num_groups=4: skipped"), std::string::npos)
      << result.err;
}

TEST(Generate, NamesVideosAfterTheirBackends) {
  EXPECT_EQ(video_names("a/b.mp4", {"full"}), (std::vector<std::string>{"a/b.mp4"}));
  EXPECT_EQ(video_names("a/b.mp4", {"full", "sta:tile=2,4,4"}),
            (std::vector<std::string>{"a/b_full.mp4", "a/b_sta_tile_2_4_4.mp4"}));
}

}  // namespace
}  // namespace vidattn
