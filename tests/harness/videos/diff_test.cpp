#include "harness/videos/diff.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/workloads/film/film.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

class VideoDiff : public ::testing::Test {
 protected:
  std::string film(const std::string& name, uint64_t seed, int64_t frames, int64_t width = 64) {
    const std::string path = (folder_ / name).string();
    write_film({.seed = seed, .frames = frames, .height = 48, .width = width}, path);
    return path;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(VideoDiff, ComparesPairsAndSummarizesThem) {
  const std::string a = film("a.avi", 1, 8), b = film("b.avi", 2, 8), c = film("c.avi", 3, 8);
  const std::string out = (folder_ / "o.json").string();
  const ToolResult result =
      run_tool("videodiff --quiet " + a + " " + b + " " + a + " " + c + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("95% interval"), std::string::npos) << result.out;
  const auto json = nlohmann::json::parse(testing::read_bytes(out));
  ASSERT_EQ(json["pairs"].size(), 2U);
  EXPECT_EQ(json["pairs"][0]["frames"], 8);
  EXPECT_EQ(json["pairs"][0]["decoders"], (nlohmann::json{"mjpeg", "mjpeg"}));
  EXPECT_EQ(json["pairs"][0]["scores"]["psnr"]["series"].size(), 8U);
  const double x = json["pairs"][0]["scores"]["ssim"]["value"],
               y = json["pairs"][1]["scores"]["ssim"]["value"];
  EXPECT_NEAR(json["mean"]["ssim"]["value"], (x + y) / 2, 1e-12);
  // Two values: the standard error is half of their distance, Student's t with 1 degree 12.7062.
  EXPECT_NEAR(json["mean"]["ssim"]["half_interval_95"], 12.70620473617 * std::abs(x - y) / 2, 1e-9);
}

TEST_F(VideoDiff, AVideoEqualsItself) {
  const std::string a = film("a.avi", 1, 4);
  const ToolResult result = run_tool("videodiff --quiet " + a + " " + a);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.out.find("inf"), std::string::npos) << result.out;
}

TEST_F(VideoDiff, AMeanThatLeavesPairsOutSaysSo) {
  const std::string a = film("a.avi", 1, 4), b = film("b.avi", 2, 4);
  const std::string out = (folder_ / "o.json").string();
  const ToolResult result =
      run_tool("videodiff --quiet " + a + " " + a + " " + a + " " + b + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const size_t said = result.out.find("mean of 1 of 2 pairs");
  EXPECT_NE(said, std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("mean of 2", said + 1), std::string::npos) << "only PSNR is infinite";
  const auto json = nlohmann::json::parse(testing::read_bytes(out));
  EXPECT_EQ(json["pairs"][0]["identical"], true);
  EXPECT_EQ(json["pairs"][1]["identical"], false);
  EXPECT_EQ(json["mean"]["psnr"]["pairs"], 1);
  EXPECT_EQ(json["mean"]["psnr_frame_mean"]["pairs"], 1);
  EXPECT_EQ(json["mean"]["ssim"]["pairs"], 2);
}

TEST_F(VideoDiff, LengthsMustAgreeUnlessAsked) {
  const std::string a = film("a.avi", 1, 8), shorter = film("s.avi", 1, 6);
  const ToolResult refused = run_tool("videodiff --quiet " + a + " " + shorter);
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("ends after 6 frames"), std::string::npos) << refused.err;
  EXPECT_EQ(run_tool("videodiff --quiet --common-frames " + a + " " + shorter).exit_code, 0);
}

TEST_F(VideoDiff, AFailingPairDoesNotStopTheOthers) {
  const std::string a = film("a.avi", 1, 4), wide = film("w.avi", 1, 4, 96);
  const std::string out = (folder_ / "o.json").string();
  const ToolResult result =
      run_tool("videodiff --quiet " + a + " " + wide + " " + a + " " + a + " --out " + out);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("64x48"), std::string::npos) << result.err;
  const auto json = nlohmann::json::parse(testing::read_bytes(out));
  EXPECT_TRUE(json["pairs"][0].contains("error"));
  EXPECT_EQ(json["pairs"][1]["scores"]["ssim"]["value"], 1);
  EXPECT_TRUE(json["pairs"][1]["scores"]["psnr"]["value"].is_null());  // infinite
}

TEST_F(VideoDiff, AFileThatCannotBeOpenedDoesNotStopTheOthers) {
  const std::string a = film("a.avi", 1, 4), b = film("b.avi", 2, 4);
  const std::string out = (folder_ / "o.json").string(), gone = (folder_ / "gone.avi").string();
  const ToolResult result =
      run_tool("videodiff --quiet " + a + " " + b + " " + gone + " " + a + " --out " + out);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("gone.avi' does not exist"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("1 of 2 pairs could not be compared"), std::string::npos) << result.out;
  const auto json = nlohmann::json::parse(testing::read_bytes(out));
  EXPECT_LT(json["pairs"][0]["scores"]["ssim"]["value"], 1);
  EXPECT_EQ(json["pairs"][1]["reference"], gone);
  EXPECT_NE(json["pairs"][1]["error"].get<std::string>().find("gone.avi"), std::string::npos);
}

TEST_F(VideoDiff, PairsThatAllCannotBeOpenedAreRefusedInOneLine) {
  const std::string a = film("a.avi", 1, 4), out = (folder_ / "o.json").string();
  expect_refused("videodiff /nowhere.mp4 " + a + " " + a + " /gone.mp4 --out " + out,
                 "'/nowhere.mp4' does not exist");
  EXPECT_FALSE(std::filesystem::exists(out));
}

/// Of a name that is no UTF-8, which JSON cannot hold, the record has the bytes.
TEST_F(VideoDiff, NamesKeepTheirBytesAndLinesTheirEnds) {
  const std::string a = film("a\nb\xff\\.avi", 1, 4), out = (folder_ / "o.json").string();
  const ToolResult result = run_tool("videodiff --quiet '" + a + "' '" + a + "' --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto pair = nlohmann::json::parse(testing::read_bytes(out))["pairs"][0];
  EXPECT_TRUE(pair["path_bytes"].get<std::string>().ends_with("/a\\x0ab\\xff\\x5c.avi")) << pair;
  EXPECT_EQ(pair["reference_bytes"], pair["path_bytes"]);
}

TEST_F(VideoDiff, TakesFoldersOfFrames) {
  const std::string a = testing::write_frames(folder_ / "a", {testing::grey(100)});
  const std::string b = testing::write_frames(folder_ / "b", {testing::grey(110)});
  const std::string out = (folder_ / "o.json").string();
  const ToolResult result = run_tool("videodiff --quiet " + a + " " + b + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(testing::read_bytes(out));
  EXPECT_NEAR(json["pairs"][0]["scores"]["psnr"]["value"], 20 * std::log10(25.5), 1e-9);
}

TEST_F(VideoDiff, ACutOffVideoIsComparedAndNamed) {
  const std::string a = film("a.avi", 1, 40), cut = (folder_ / "cut.avi").string();
  const std::string bytes = testing::read_bytes(a);
  testing::write_bytes(cut, bytes.substr(0, bytes.size() / 2));
  const ToolResult result = run_tool("videodiff --quiet " + cut + " " + cut);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("cut.avi: cut off or damaged: its header promises 40 frames"),
            std::string::npos)
      << result.out;
}

TEST_F(VideoDiff, RefusesBadInput) {
  const std::string a = film("a.avi", 1, 4);
  EXPECT_EQ(run_tool("videodiff " + a).exit_code, 3);
  const ToolResult missing = run_tool("videodiff " + a + " /nowhere.mp4");
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_NE(missing.err.find("does not exist"), std::string::npos);
  film("b.avi", 2, 4);
  const ToolResult several = run_tool("videodiff " + a + " " + folder_.path().string());
  EXPECT_EQ(several.exit_code, 3);
  EXPECT_NE(several.err.find("holds 2 videos"), std::string::npos) << several.err;
}

}  // namespace
}  // namespace vidattn
