#include "harness/videos/transnet_detector.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/io/json_file.h"
#include "harness/workloads/media/bicubic.h"
#include "metrics/shots/transnet/network.h"
#include "metrics/shots/transnet/windows.h"
#include "tests/harness/files.h"
#include "tests/harness/tiny_transnet.h"
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

class TransNetDetector : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
};

TEST_F(TransNetDetector, FindsWhatANetworkSees) {
  const std::string model = testing::write_transnet(folder_ / "jumps.safetensors");
  const std::string video = testing::write_frames(folder_ / "frames", flashing());
  const std::string out = (folder_ / "o.json").string();
  const ToolResult result =
      run_tool("shots --quiet " + video + " --detector transnet:" + model + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("3 shots, found by TransNetV2"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("cut 0.96, clean"), std::string::npos) << result.out;
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

TEST_F(TransNetDetector, IsFoundWhereGetModelsPutsIt) {
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
  testing::write_transnet(folder_ / "data/vidattn/models/transnetv2.safetensors");
  const ToolResult found = run_shell(line);
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_NE(found.out.find("3 shots"), std::string::npos) << found.out;
}

TEST_F(TransNetDetector, SaysWhatIsWrongWithANetwork) {
  const auto wrong = [&](const auto& change) {
    auto parameters = testing::change_parameters();
    change(parameters);
    const std::string path = testing::write_transnet(folder_ / "n.safetensors", parameters);
    return [path] { TransNet(path, "--detector transnet"); };
  };
  expect_input_error(wrong([](auto& all) { all.erase("fc1.bias"); }),
                     "is no TransNetV2: it has no parameter fc1.bias");
  expect_input_error(wrong([](auto& all) { all["fc1.weight"] = all["fc1.bias"]; }),
                     "parameter fc1.weight has shape [1], [1,2498] is needed");
  expect_input_error(wrong([](auto& all) {
                       all["cls_layer1.bias"] = {{1}, std::vector<float>{NAN}};
                     }),
                     "parameter cls_layer1.bias is not finite");
  expect_input_error(wrong([](auto& all) {
                       all["fc1.bias"] = {{1}, std::vector<int32_t>{0}};
                     }),
                     "fc1.bias");
  expect_input_error(
      wrong([](auto& all) {
        std::erase_if(all, [](const auto& one) { return one.first[0] == 'S'; });
      }),
      "is no TransNetV2: it has no parameter SDDCNN.0.DDCNN.0.Conv3D_1.layers.1.weight");
  expect_input_error([&] { TransNet((folder_ / "none").string(), "--detector transnet"); },
                     "No such file");
  const std::string video = testing::write_frames(folder_ / "frames", flashing());
  expect_refused("shots " + video + " --detector transnet:", "transnet:FILE is needed");
  expect_refused("shots " + video + " --detector best", "content, adaptive, transnet");
}

float& value_of(TransNetParameters& all, const std::string& name, size_t i) {
  return std::get<std::vector<float>>(all.at(name).values)[i];
}

/// 40 red frames and 60 of another red, which falls into another of eight parts of the range.
std::vector<float> two_reds() {
  std::vector<float> window(kTransNetWindow * kTransNetValues);
  for (size_t i = 0; i < window.size(); i += 3) window[i] = i < 40 * kTransNetValues ? 90 : 100;
  return window;
}

TEST(TransNetNetwork, ComparesHistogramsOfFrames) {
  TransNetParameters all = testing::change_parameters();
  value_of(all, "color_hist_layer.fc.weight", 51) = 1;  // with the next frame
  value_of(all, "fc1.weight", 0) = -1;
  value_of(all, "fc1.bias", 0) = 1;
  TransNetNetwork::Workspace space;
  const auto found = TransNetNetwork(all).run(two_reds(), space);
  ASSERT_EQ(found.size(), 100U);
  for (size_t t = 0; t < 99; ++t)
    EXPECT_NEAR(found[t], 1 / (1 + std::exp(t == 39 ? -5.0 : 5.0)), 2e-3) << t;
  EXPECT_GT(found[99], 0.99F) << "behind the last there is none, which is unlike all";
}

TEST(TransNetNetwork, ComparesFeaturesOfFramesFiftyFramesAround) {
  TransNetParameters all = testing::change_parameters();
  value_of(all, "frame_sim_layer.projection.bias", 0) = 1;  // all are alike
  for (size_t i = 0; i < 101; ++i) value_of(all, "frame_sim_layer.fc.weight", i) = 1;
  for (size_t i = 2; i < 2498; ++i) value_of(all, "fc1.weight", i) = 0;
  value_of(all, "fc1.weight", 1) = 0.01F;
  TransNetNetwork::Workspace space;
  const TransNetNetwork network(all);
  const auto found = network.run(two_reds(), space);
  for (int t = 0; t < 100; ++t) {
    const int count = std::min(t + 50, 99) - std::max(t - 50, 0) + 1;
    EXPECT_NEAR(found[static_cast<size_t>(t)], 1 / (1 + std::exp(5 - 0.1 * count)), 1e-5) << t;
  }
  EXPECT_EQ(network.run(two_reds(), space), found) << "what a run leaves behind does not matter";
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
