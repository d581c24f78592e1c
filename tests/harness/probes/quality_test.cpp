#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/io/json_file.h"
#include "tests/harness/files.h"
#include "tests/harness/tiny_network.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

nlohmann::json read_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(testing::read_bytes(path));
}

TEST(RestoreCommand, WritesTableVideosPictureAndJson) {
  const testing::TemporaryFolder folder;
  const auto result = run_tool(
      "restore film:2 --frames 9 --height 48 --noise 20 --backend stga "
      "--backend moga:num_groups=2 --quiet --folder " +
      (folder / "videos").string() + " --out " + (folder / "out.json").string());
  ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
  for (const char* name : {"clean", "noisy", "full", "stga", "moga_num_groups_2"})
    EXPECT_TRUE(std::filesystem::exists(folder / "videos" / (std::string(name) + ".avi"))) << name;
  // Five panels of 88x48 in four columns, each with its caption and its difference.
  const cv::Mat picture = read_picture((folder / "videos" / "side_by_side.png").string());
  EXPECT_EQ(picture.size(), cv::Size(4 * 92, 2 * (22 + 2 * 52)));
  const auto json = read_json(folder / "out.json");
  const double noisy = json["clip"]["noisy"]["scores"]["psnr"]["value"];
  EXPECT_NEAR(noisy, 22.2, 0.7);  // 20 log10(255/20), a little better for clipping
  ASSERT_EQ(json["backends"].size(), 3U);
  EXPECT_EQ(json["backends"][0]["backend"], "full");
  for (const auto& row : json["backends"]) {
    EXPECT_EQ(row["outcome"], "passed");
    EXPECT_GT(row["scores"]["psnr"]["value"], noisy + 1);
  }
  EXPECT_EQ(json["backends"][0]["scores"]["psnr"]["minus_full"], 0);
  EXPECT_LT(json["backends"][1]["density"], 1);
}

TEST(RestoreCommand, RefusesWithOneLine) {
  for (const char* arguments :
       {"restore /nowhere.mp4", "restore film:x", "restore film --noise 0",
        "restore film --height 50", "restore film --backend nothing", "restore film --density 2",
        "restore film --folder /proc/nothing", "quality --films 0",
        "quality /nowhere.mp4 --films 0", "quality --backend nothing", "quality --noise nan",
        "restore film --noise -1", "restore film --seed -1", "restore film --columns psnr,x",
        "quality --columns x"}) {
    const auto result = run_tool(std::string(arguments) + " --quiet");
    EXPECT_EQ(result.exit_code, 3) << arguments << result.out;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST(QualityCommand, ComparesAllClipsWithFullAttention) {
  const testing::TemporaryFolder folder;
  const auto result = run_tool(
      "quality --films 2 --frames 9 --height 64 --backend stga --backend frame --quiet "
      "--all-columns "
      "--out " +
      (folder / "out.json").string());
  ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
  EXPECT_NE(result.out.find("IoU"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("quality = imaging_quality.brisque"), std::string::npos) << result.out;
  const auto json = read_json(folder / "out.json");
  ASSERT_EQ(json["clips"].size(), 2U);
  ASSERT_EQ(json["table"].size(), 3U);
  EXPECT_EQ(json["table"][0]["backend"], "full");
  EXPECT_EQ(json["table"][0]["scores"]["psnr"]["minus_full"]["mean"], 0);
  EXPECT_EQ(json["table"][2]["scores"]["psnr"]["minus_full"]["clips"], 2);
  // The table has the metrics' own names, with the suffix where they are not VBench's.
  const auto& measured = json["clips"][0]["backends"][1]["restoration"]["scores"];
  for (const auto& [name, value] : json["table"][1]["scores"].items())
    EXPECT_TRUE(name.starts_with("label_iou") || name.starts_with("painted") ||
                measured.contains(name))
        << name;
  EXPECT_TRUE(json["table"][1]["scores"].contains("subject_consistency.hsv_lbp_vlad"));
  // The table's mean is that of the clips.
  double sum = 0;
  for (const auto& clip : json["clips"])
    sum += clip["backends"][1]["restoration"]["scores"]["psnr"]["value"].get<double>();
  EXPECT_NEAR(json["table"][1]["scores"]["psnr"]["mean"], sum / 2, 1e-9);
  // Full attention's painting is what the others are held against; stga is given and sees less.
  for (const auto& clip : json["clips"]) {
    EXPECT_EQ(clip["backends"][0]["painting"]["relative_l2"], 0);
    EXPECT_GT(clip["backends"][0]["painting"]["colour_kept"], 0.02);
    EXPECT_GT(clip["backends"][1]["painting"]["relative_l2"], 0.05);
    EXPECT_LT(clip["backends"][1]["painting"]["rollout_density"], 0.5);
    EXPECT_LT(clip["backends"][2]["painting"]["colour_kept"], 0.01) << "no frame sees another";
  }
  // Attention within a frame cannot carry a label anywhere.
  for (const auto& clip : json["clips"])
    EXPECT_EQ(clip["backends"][2]["labels"]["same_shot"]["undecided"], 1);
}

TEST(QualityCommand, AMissedDensityIsSaid) {
  for (const char* command : {"quality --films 1", "restore film:1"}) {
    const auto result = run_tool(std::string(command) +
                                 " --frames 9 --height 32 --density 0.5 --backend dsa "
                                 "--backend frame --quiet");
    ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
    const size_t said = result.out.find("comes no nearer to the density");
    ASSERT_NE(said, std::string::npos) << result.out;
    EXPECT_NE(result.out.find("frame", said), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find("dsa", said), std::string::npos) << result.out;
  }
}

TEST(QualityCommand, MeansAreOverTheClipsThatEveryRowHas) {
  const testing::TemporaryFolder folder;
  // Tiles of 3x3 fit into the first clip only (grids of 4x8 and 3x6 tokens).
  const auto frames = [&](const char* name, cv::Mat frame) {
    cv::randu(frame, 0, 255);
    return " " + testing::write_frames(folder / name, std::vector<cv::Mat>(3, frame));
  };
  const auto result = run_tool(
      "quality --films 0 --frames 3 --height 24 --quiet --backend sta:ragged=false,tile=1,3,3 "
      "--backend frame --out " +
      (folder / "out.json").string() + frames("fits", cv::Mat(24, 48, CV_8UC3)) +
      frames("not", cv::Mat(24, 32, CV_8UC3)));
  ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
  EXPECT_NE(result.out.find("means over the 1 clip that"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("left out of the means"), std::string::npos) << result.out;
  const auto json = read_json(folder / "out.json");
  const auto score = [&](size_t clip, size_t row) {
    return json["clips"][clip]["backends"][row]["restoration"]["scores"]["psnr"]["value"];
  };
  for (size_t row = 0; row < 3; ++row)
    EXPECT_EQ(json["table"][row]["scores"]["psnr"]["mean"], score(0, row)) << row;
  EXPECT_EQ(json["table"][2]["scores"]["psnr"]["minus_full"]["clips"], 2);
}

TEST(QualityCommand, AFileThatCannotBeOpenedDoesNotLoseTheOthers) {
  const testing::TemporaryFolder folder;
  const std::string good =
      testing::write_frames(folder / "good", std::vector<cv::Mat>(3, testing::grey(90, 64, 32)));
  const std::string out = (folder / "out.json").string();
  const auto result = run_tool("quality --films 0 --height 32 --backend frame --quiet /gone.mp4 " +
                               good + " --out " + out);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("'/gone.mp4' does not exist"), std::string::npos) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1)
      << "said once: " << result.err;
  const auto json = read_json(out);
  EXPECT_EQ(json["clips"][0]["name"], "/gone.mp4");
  EXPECT_TRUE(json["clips"][0].contains("error"));
  EXPECT_EQ(json["table"][1]["scores"]["psnr"]["minus_full"]["clips"], 1);
  expect_refused("quality --films 0 /gone.mp4 /nowhere.mp4 --quiet", "'/gone.mp4' does not exist");
}

TEST(RestoreCommand, SaysTheNotesOfItsVideo) {
  const testing::TemporaryFolder folder;
  const std::string bytes = testing::read_bytes(
      testing::write_video(folder / "a.avi", std::vector<cv::Mat>(40, testing::grey(90, 64, 32))));
  testing::write_bytes(folder / "cut.avi", bytes.substr(0, bytes.size() / 2));
  const auto result = run_tool("restore --frames 3 --height 32 --backend frame --quiet " +
                               (folder / "cut.avi").string());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.err.starts_with("cut off or damaged: its header promises 40 frames"))
      << result.err;
}

TEST(QualityCommand, AClipThatCannotBeReadDoesNotLoseTheOthers) {
  const testing::TemporaryFolder folder;
  const auto frames = [&](const char* name, size_t count) {
    return " " + testing::write_frames(folder / name,
                                       std::vector<cv::Mat>(count, testing::grey(90, 64, 32)));
  };
  const auto result =
      run_tool("quality --films 0 --height 32 --backend frame --quiet --out " +
               (folder / "out.json").string() + frames("one", 1) + frames("three", 3));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("has one frame, a clip needs 2"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("means over the 1 clip that every row has;"), std::string::npos)
      << result.out;
  const auto json = read_json(folder / "out.json");
  EXPECT_TRUE(json["clips"][0].contains("error"));
  EXPECT_EQ(json["table"][1]["scores"]["psnr"]["minus_full"]["clips"], 1);
}

TEST(QualityCommand, SaysTheNotesOfItsVideos) {
  const testing::TemporaryFolder folder;
  const std::string bytes = testing::read_bytes(
      testing::write_video(folder / "a.avi", std::vector<cv::Mat>(40, testing::grey(90, 64, 32))));
  testing::write_bytes(folder / "cut.avi", bytes.substr(0, bytes.size() / 2));
  const auto result = run_tool("quality --films 0 --frames 3 --height 32 --backend frame --quiet " +
                               (folder / "cut.avi").string());
  EXPECT_NE(result.out.find("cut.avi: cut off or damaged: its header promises 40 frames"),
            std::string::npos)
      << result.out << result.err;
}

class SlowQuality : public testing::TinyNetworks {};

TEST_F(SlowQuality, ScoresByNetworksToo) {
  const std::string network = testing::tiny_network(
      folder_ / "n.pt",
      "return torch.flatten(torch.adaptive_avg_pool2d(torch.mean(x, [1], True), [32, 40]), 1)");
  const std::string out = (folder_ / "q.json").string();
  const ToolResult result = run_tool(
      "quality --films 1 --frames 9 --height 64 --backend frame --quiet --all-columns --model "
      "efficientnet_lite0=" +
      network + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("consistency EN"), std::string::npos) << result.out;
  const nlohmann::json record = read_json(out);
  EXPECT_EQ(record["models"][0]["file"], network);
  for (const nlohmann::json& row : record["table"]) {
    const double score = row["scores"]["consistency.efficientnet_lite0"]["mean"];
    EXPECT_GT(score, 0.1);
    EXPECT_LE(score, 1);
  }
}

}  // namespace
}  // namespace vidattn
