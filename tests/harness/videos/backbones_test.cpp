#include "harness/videos/backbones.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "harness/host/programs/torch_library.h"
#include "harness/io/json_file.h"
#include "harness/videos/scores.h"
#include "harness/videos/torchscript.h"
#include "metrics/video/model_input.h"
#include "tests/harness/tiny_network.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::grey;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_frames;

class SlowBackbones : public testing::TinyNetworks {
 protected:
  /// A TorchScript file with `forward(self, x)` returning the expression.
  std::string network(const std::string& name, const std::string& expression) const {
    return testing::tiny_network(folder_ / name, "return " + expression);
  }
  /// Means of 16x16 areas of the three channels: as wide as DINO ViT-B/16's output.
  std::string tiny_dino() const {
    return network("dino.pt", "torch.flatten(torch.adaptive_avg_pool2d(x, [16, 16]), 1)");
  }
};

TEST_F(SlowBackbones, ATinyDinoGivesVBenchsName) {
  const std::string model = tiny_dino();
  VideoMetricOptions options{.backbones = load_backbones({"dino=" + model})};
  ASSERT_EQ(options.backbones.all.size(), 1U);
  EXPECT_EQ(options.backbones.provenance[0]["sha256"].get<std::string>().size(), 64U);
  std::vector<cv::Mat> frames(2, grey(51));
  frames.resize(4, grey(204));
  VideoResult result;
  const auto input = find_videos({write_frames(folder_ / "cut", frames)}, 24)[0];
  options.shots = {0, 2};
  ASSERT_TRUE(measure_video(input, options, result));
  ASSERT_EQ(result.error, "");
  // On paper: every area of a flat frame is (level - mean) / deviation of its channel.
  const ModelInput in = dino_input();
  double ab = 0, aa = 0, bb = 0;
  for (int c = 0; c < 3; ++c) {
    const double a = (0.2 - in.mean[c]) / in.deviation[c], b = (0.8 - in.mean[c]) / in.deviation[c];
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  const double cosine = ab / std::sqrt(aa * bb);
  const auto score = [&](const std::string& name) {
    for (const VideoScore& s : result.scores)
      if (s.name == name) return s.value;
    ADD_FAILURE() << name;
    return 0.0;
  };
  const double clipped = std::max(0.0, cosine);
  EXPECT_NEAR(score("subject_consistency"), (1 + clipped + (1 + clipped) / 2) / 3, 1e-5);
  EXPECT_NEAR(score("cross_shot_dino"), cosine, 1e-5);
  EXPECT_NEAR(score("cross_shot_dino.adjacent"), cosine, 1e-5);
}

TEST_F(SlowBackbones, LibtorchIsLookedForBesideTheProgramOnly) {
  const std::string tool = (folder_ / "vidattn").string();
  std::filesystem::copy_file(VIDATTN_TOOL, tool);
  const ToolResult result = run_shell(tool + " metrics film --model dino=" + tiny_dino());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(
      result.err.find("libtorch cannot be loaded: " + (folder_ / "vidattn_torch.so").string()),
      std::string::npos)
      << result.err;
}

TEST_F(SlowBackbones, ClipAndTheAestheticHeadWorkTogether) {
  const std::string clip = network(
      "clip.pt", "torch.flatten(torch.adaptive_avg_pool2d(torch.mean(x, [1], True), [16, 32]), 1)");
  const std::string large = tiny_dino();  // 768 wide as well
  // All weight on one of the 256 red areas: a white frame's feature there is known.
  std::vector<double> weights(768, 0);
  weights[7] = 5;
  write_bytes(folder_ / "head.json", nlohmann::json{{"w", weights}, {"b", 2}}.dump());
  VideoMetricOptions options{
      .backbones = load_backbones({"clip=" + clip, "clip_l14=" + large,
                                   "aesthetic_head=" + (folder_ / "head.json").string()})};
  VideoResult result;
  const auto input =
      find_videos({write_frames(folder_ / "still", std::vector<cv::Mat>(3, grey(255)))}, 24)[0];
  ASSERT_TRUE(measure_video(input, options, result));
  ASSERT_EQ(result.error, "");
  std::map<std::string, double> values;
  for (const VideoScore& s : result.scores) values[s.name] = s.value;
  EXPECT_NEAR(values.at("background_consistency"), 1, 1e-6);
  const ModelInput in = clip_input();
  double square = 0;
  for (int c = 0; c < 3; ++c) square += 256 * std::pow((1 - in.mean[c]) / in.deviation[c], 2);
  const double feature = (1 - in.mean[0]) / in.deviation[0] / std::sqrt(square);
  EXPECT_NEAR(values.at("aesthetic_quality"), (5 * feature + 2) / 10, 1e-6);
  EXPECT_FALSE(values.contains("subject_consistency"));
}

TEST_F(SlowBackbones, PreprocessingIsPyTorchs) {
  cv::Mat frame(179, 301, CV_8UC3);
  cv::RNG(4).fill(frame, cv::RNG::UNIFORM, 0, 256);
  std::vector<float> planes;
  for (int c = 2; c >= 0; --c)
    for (int y = 0; y < frame.rows; ++y)
      for (int x = 0; x < frame.cols; ++x)
        planes.push_back(static_cast<float>(frame.at<cv::Vec3b>(y, x)[c]));
  for (const bool bicubic : {false, true}) {
    const std::string kind = bicubic ? "bicubic" : "bilinear";
    const auto model = load_torchscript(
        "dino", "DINO",
        network(kind + ".pt", "torch.upsample_" + kind + "2d(x, [224, 376], False)"));
    const std::vector<float> expected = model->run(
        {{.shape = {1, 3, frame.rows, frame.cols}, .values = planes.data()}}, {1, 3, 224, 376});
    const Planes ours =
        preprocess(frame, {.bicubic_crop = bicubic, .mean = {0, 0, 0}, .deviation = {1, 1, 1}});
    ASSERT_EQ(ours.width, bicubic ? 224 : 376);
    const int left = (376 - ours.width) / 2;
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 224; ++y)
        for (int x = 0; x < ours.width; ++x)
          ASSERT_NEAR(ours.values[(c * 224 + y) * ours.width + x],
                      expected[(c * 224 + y) * 376 + x + left] / 255, 2e-5)
              << kind << " " << c << " " << y << " " << x;
  }
}

TEST_F(SlowBackbones, EfficientNetIsTakenFromWhereItIsFound) {
  // As wide as its features: means of 32x40 areas.
  const std::filesystem::path models = folder_ / "data/vidattn/models";
  std::filesystem::create_directories(models);
  const std::string model = testing::tiny_network(
      models / "efficientnet_lite0.pt",
      "return torch.flatten(torch.adaptive_avg_pool2d(torch.mean(x, [1], True), [32, 40]), 1)");
  std::vector<cv::Mat> frames(3, grey(51));
  frames.resize(6, grey(204));
  const std::string video = write_frames(folder_ / "cut", frames);
  const std::string out = (folder_ / "o.json").string();
  const auto scores_with = [&](const std::string& options) {
    const ToolResult result = run_shell("XDG_DATA_HOME=" + (folder_ / "data").string() +
                                        " " VIDATTN_TOOL " metrics --quiet --shots 0,3 " + video +
                                        " --out " + out + " " + options);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_json(out);
  };
  const nlohmann::json found = scores_with("");
  EXPECT_EQ(found["vidattn"][1]["models"][0]["file"], model);
  // A flat frame's features are all alike: below ImageNet's mean, or above.
  EXPECT_NEAR(found["cross_shot.efficientnet_lite0"][0].get<double>(), -1, 1e-5);
  EXPECT_NEAR(found["consistency.efficientnet_lite0"][0].get<double>(), (1 + 1 + 0 + .5 + .5) / 5,
              1e-5);
  EXPECT_TRUE(found.contains("long_range.efficientnet_lite0"));
  EXPECT_FALSE(found.contains("subject_consistency"));
  const nlohmann::json none = scores_with("--model none");
  EXPECT_FALSE(none.contains("consistency.efficientnet_lite0"));
  EXPECT_TRUE(none["vidattn"][1]["models"].empty());
  const nlohmann::json given = scores_with("--model efficientnet_lite0=" + model);
  EXPECT_EQ(given["vidattn"][1]["models"].size(), 1U);
  EXPECT_EQ(given["consistency.efficientnet_lite0"], found["consistency.efficientnet_lite0"]);
}

TEST_F(SlowBackbones, SayWhatIsWrongWithANetwork) {
  const auto load = [](const std::string& model) { return [model] { load_backbones({model}); }; };
  const std::string text = (folder_ / "text.pt").string();
  write_bytes(text, "this is no network");
  expect_input_error(load("dino=" + text), "is not TorchScript");
  expect_input_error(load("dino=" + (folder_ / "none.pt").string()), "No such file");
  expect_input_error(
      load("dino=" + network("shape.pt", "x")),
      "fails on [1,3,224,224]: its output has shape [1,3,224,224], DINO ViT-B/16 gives "
      "[1,768]");
  expect_input_error(load("dino=" + network("width.pt", "torch.mean(x, [2, 3])")),
                     "its output has shape [1,3], DINO ViT-B/16 gives [1,768]");
  expect_input_error(load("clip=" + tiny_dino()),
                     "its output has shape [1,768], CLIP ViT-B/32 gives [1,512]");
  expect_input_error(load("dino=" + network("tuple.pt", "(x, x)")), "its output is no tensor");
  expect_input_error(load("dino=" + network("fails.pt", "torch.reshape(x, [7, 11])")),
                     "fails on [1,3,224,224]");
  expect_input_error(load("dino=" + network("nan.pt",
                                            "torch.flatten(torch.adaptive_avg_pool2d(x, "
                                            "[16, 16]), 1) / 0.")),
                     "not finite");
}

TEST(Backbones, WithoutLibtorchSaySo) {
  if (torch_available()) GTEST_SKIP() << "this build has libtorch";
  const TemporaryFolder folder;
  write_bytes(folder / "m.pt", "x");
  expect_input_error([&] { load_backbones({"dino=" + (folder / "m.pt").string()}); },
                     "this build has no libtorch");
}

TEST(AestheticHead, IsReadAndScoresFeatures) {
  const TemporaryFolder folder;
  nlohmann::json json{{"w", std::vector<double>(768, 0)}, {"b", 5.5}};
  json["w"][0] = 3;
  json["w"][767] = -2;
  write_bytes(folder / "h.json", json.dump());
  const AestheticHead head = load_aesthetic_head((folder / "h.json").string());
  Feature feature(768, 0);
  EXPECT_DOUBLE_EQ(head.score(feature), 5.5);
  feature[0] = 0.75F;
  feature[5] = 0.25F;  // weighs nothing
  EXPECT_DOUBLE_EQ(head.score(feature), 5.5 + 2.25);
  feature[767] = 0.5F;
  EXPECT_DOUBLE_EQ(head.score(feature), 5.5 + 2.25 - 1);
}

/// The published head on ten embeddings, where they are here.
TEST(AestheticHead, ReproducesThePublishedScores) {
  const std::filesystem::path path =
      std::string(VIDATTN_SOURCE_DIR) + "/../shared/reference/aesthetic/laion_vit_l_14.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const AestheticHead head = load_aesthetic_head(path);
  const auto json = nlohmann::json::parse(testing::read_bytes(path));
  const double expected[] = {-2.458, -0.138, 1.895, 3.585,  5.100,
                             6.470,  7.787,  9.048, 10.226, 11.304};
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_NEAR(head.score(json["emb"][i].get<Feature>()), expected[i], 6e-4) << i;
    EXPECT_NEAR(head.score(json["emb"][i].get<Feature>()), json["out"][i].get<double>(), 1e-5) << i;
  }
}

TEST(AestheticHead, RefusesOtherFiles) {
  const TemporaryFolder folder;
  for (const char* text : {"{}", "[1]", "{\"w\": [1, 2], \"b\": 0}", "{\"w\": 3, \"b\": 0}"}) {
    write_bytes(folder / "h.json", text);
    expect_input_error([&] { load_aesthetic_head((folder / "h.json").string()); },
                       "is not an aesthetic head");
  }
  expect_input_error([&] { load_aesthetic_head((folder / "none.json").string()); }, "cannot read");
}

}  // namespace
}  // namespace vidattn
