#include "harness/videos/transnet_detector.h"

#include <nlohmann/json.hpp>

#include "harness/io/json_file.h"
#include "harness/workloads/media/bicubic.h"
#include "tests/harness/tiny_network.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_input_error;
using testing::grey;

/// 40 dark frames, 30 bright, one dark, 60 bright: the one in between belongs to no shot.
std::vector<cv::Mat> flashing() {
  std::vector<cv::Mat> frames(40, grey(20));
  frames.resize(70, grey(230));
  frames.resize(71, grey(20));
  frames.resize(131, grey(230));
  return frames;
}

class SlowTransNet : public testing::TinyNetworks {
 protected:
  std::string network(const std::string& body) const {
    return testing::tiny_network(folder_ / "n.pt", body);
  }
};

TEST_F(SlowTransNet, FindsWhatANetworkSees) {
  const std::string model = testing::tiny_transnet(folder_ / "jumps.pt");
  const std::string video = testing::write_frames(folder_ / "frames", flashing());
  const std::string out = (folder_ / "o.json").string();
  const ToolResult result =
      run_tool("shots --quiet " + video + " --detector transnet:" + model + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("3 shots, found by TransNetV2"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("cut 0.82, clean"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("gradual, overlapped 70-70"), std::string::npos) << result.out;
  const json record = read_json(out);
  EXPECT_EQ(record["detection"]["detector"], "transnet");
  EXPECT_EQ(record["detection"]["model"]["file"], model);
  EXPECT_EQ(record["detection"]["model"]["sha256"].get<std::string>().size(), 64U);
  const json& shots = record["videos"][0]["shots"];
  ASSERT_EQ(shots.size(), 3U);
  EXPECT_EQ(shots[0]["clean_last"], 39);
  EXPECT_EQ(shots[1]["clean_first"], 40);
  EXPECT_EQ(shots[1]["clean_last"], 69);
  EXPECT_EQ(shots[2]["first"], 70);
  EXPECT_EQ(shots[2]["clean_first"], 71);
}

TEST_F(SlowTransNet, IsFoundWhereGetModelsPutsIt) {
  const std::string video = testing::write_frames(folder_ / "frames", flashing());
  const std::string line = "XDG_DATA_HOME=" + (folder_ / "data").string() + " " +
                           std::string(VIDATTN_TOOL) + " shots --quiet " + video +
                           " --detector transnet";
  const ToolResult missing = run_shell(line);
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(std::count(missing.err.begin(), missing.err.end(), '\n'), 1) << missing.err;
  EXPECT_NE(missing.err.find("get it by harness/get_models.sh transnetv2"), std::string::npos);
  std::filesystem::create_directories(folder_ / "data/vidattn/models");
  testing::tiny_transnet(folder_ / "data/vidattn/models/transnetv2.pt");
  const ToolResult found = run_shell(line);
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_NE(found.out.find("3 shots"), std::string::npos) << found.out;
}

TEST_F(SlowTransNet, SaysWhatIsWrongWithANetwork) {
  const auto load = [](const std::string& path) {
    return [path] { TransNet(path, "--detector transnet"); };
  };
  expect_input_error(load(network("return torch.mean(x, [0, 2, 3])")), "has shape [100,3]");
  expect_input_error(load(network("return torch.mean(x, [0, 1, 2, 3])")),
                     "TransNetV2 gives [1,100]");
  expect_input_error(load(network("return torch.mean(x, [2, 3, 4])")), "no probability");
  expect_input_error(load(network("return torch.mean(x, [2, 3, 4]) / 0. * 0.")), "not finite");
  expect_input_error(load((folder_ / "none.pt").string()), "No such file");
  const std::string video = testing::write_frames(folder_ / "frames", flashing());
  expect_refused("shots " + video + " --detector transnet:", "transnet:FILE is needed");
  expect_refused("shots " + video + " --detector best", "content, adaptive, transnet");
}

TEST(BicubicRgb, KeepsFlatPicturesAndTurnsTheirColours) {
  BicubicRgb small({48, 27});
  for (const cv::Size size : {cv::Size(854, 480), cv::Size(48, 27), cv::Size(20, 300)}) {
    const cv::Mat rgb = small.scale(cv::Mat(size, CV_8UC3, cv::Scalar(20, 130, 220)));
    ASSERT_EQ(rgb.size(), cv::Size(48, 27));
    ASSERT_TRUE(rgb.isContinuous());
    for (const auto& pixel : cv::Mat_<cv::Vec3b>(rgb)) {
      EXPECT_NEAR(pixel[0], 220, 3);
      EXPECT_NEAR(pixel[1], 130, 3);
      EXPECT_NEAR(pixel[2], 20, 3);
    }
  }
}

/// Of stripes finer than a small pixel it shows the mean, not what lies in its middle.
TEST(BicubicRgb, LooksAtEveryPixel) {
  cv::Mat stripes(270, 480, CV_8UC3, cv::Scalar::all(0));
  for (int x = 0; x < stripes.cols; x += 5) stripes.col(x).setTo(cv::Scalar::all(255));
  for (const auto& pixel : cv::Mat_<cv::Vec3b>(BicubicRgb({48, 27}).scale(stripes)))
    EXPECT_NEAR(pixel[1], 51, 30);
}

}  // namespace
}  // namespace vidattn
