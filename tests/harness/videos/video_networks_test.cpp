#include "harness/videos/video_networks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/host/programs/torch_library.h"
#include "harness/videos/prompts.h"
#include "harness/videos/scores.h"
#include "metrics/video/networks/text_score.h"
#include "tests/harness/tiny_network.h"
#include "tests/harness/tool.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::grey;
using testing::write_bytes;
using testing::write_frames;

/// Small networks in the place of VBench's. "Slow": left out under the sanitizers.
class SlowVideoNetworks : public testing::TinyNetworks {
 protected:
  std::string model(const std::string& key, const std::string& arguments,
                    const std::string& expression) const {
    return key + "=" +
           testing::tiny_network(folder_ / (key + ".pt"), "return " + expression, arguments);
  }
  /// Every pixel moves to the right by the change of its level.
  std::string raft() const {
    return model("raft", "a, b",
                 "torch.cat([torch.mean(b - a, [1], True), torch.mean(a - a, [1], True)], 1)");
  }
  std::string amt() const { return model("amt", "a, b", "(a + b) / 2"); }
  std::string musiq() const { return model("musiq", "x", "torch.mean(x) * 100"); }
  /// Means over all frames of 16x16 areas of the three channels.
  std::string viclip_video() const {
    return model("viclip_video", "x",
                 "torch.flatten(torch.adaptive_avg_pool2d(torch.mean(x, [1]), [16, 16]), 1)");
  }
  std::string viclip_text() const {
    return model("viclip_text", "x", "torch.repeat_interleave(x * 0.001, 24, 1)");
  }
  std::string clip() const {
    return model("clip", "x",
                 "torch.flatten(torch.adaptive_avg_pool2d(torch.mean(x, [1], True), [16, 32]), 1)");
  }
  std::string clip_text() const {
    return model("clip_text", "x",
                 "torch.narrow(torch.repeat_interleave(x * 0.001, 7, 1), 1, 0, 512)");
  }
  std::string prompts(const std::string& video) const {
    const nlohmann::json line{
        {"video", video}, {"prompt", "a fox"}, {"tokens", {49406, 320, 3240, 49407}}};
    write_bytes(folder_ / "p.jsonl", line.dump() + "\n");
    return (folder_ / "p.jsonl").string();
  }
};

double find_value(const VideoResult& result, const std::string& name) {
  for (const VideoScore& score : result.scores)
    if (score.name == name) return score.value;
  ADD_FAILURE() << name;
  return std::nan("");
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

VideoNetworks loaded(const std::vector<std::string>& models) {
  return load_video_networks(model_files(models, is_video_network, video_network_keys()), {75, 50});
}

double cosine_of(const std::vector<double>& a, const std::vector<double>& b) {
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

TEST_F(SlowVideoNetworks, GiveWhatAPlainRecomputationGives) {
  std::vector<int> levels;
  std::vector<cv::Mat> frames;
  for (int i = 0; i < 19; ++i) {
    levels.push_back(200 + (i * i * 7) % 31 / (i % 4 == 0 ? 1 : 16));
    frames.push_back(grey(levels.back(), 75, 50));
  }
  const std::string video = write_frames(folder_ / "fox", frames);
  VideoMetricOptions options;
  options.backbones = load_backbones({clip()});
  options.networks = loaded({raft(), amt(), musiq(), viclip_video(), viclip_text(), clip_text()});
  EXPECT_EQ(options.networks.provenance.size(), 6U);
  options.prompts = load_prompts(prompts("fox"), {video}, options.backbones, options.networks);
  VideoResult result;
  ASSERT_TRUE(measure_video(find_videos({video}, 24)[0], options, result));
  ASSERT_EQ(result.error, "");

  int moving = 0;
  for (int i = 1; i < 19; ++i) moving += std::abs(levels[i] - levels[i - 1]) > 6 * 50 / 256.0;
  EXPECT_EQ(find_value(result, "dynamic_degree"), moving >= 5);  // round(4 * 19 / 16)

  const auto halfway = [](int a, int b) {  // in the network's float32
    const float middle = (static_cast<float>(a) / 255 + static_cast<float>(b) / 255) / 2;
    return std::floor(static_cast<double>(middle * 255));
  };
  double difference = 0, sum = 0;
  for (int i = 1; i < 18; i += 2)
    difference += std::abs(levels[i] - halfway(levels[i - 1], levels[i + 1])) / 9;
  for (const int level : levels) sum += level;
  EXPECT_NEAR(find_value(result, "motion_smoothness"), (255 - difference) / 255, 1e-12);
  EXPECT_NEAR(find_value(result, "imaging_quality"), sum / 19 / 255, 1e-5);

  const ModelInput in = text_score_input();
  const auto text = [](size_t width, size_t times) {
    std::vector<double> values(width, 0);
    const double tokens[] = {49406, 320, 3240, 49407};
    for (size_t i = 0; i < std::min(width, 4 * times); ++i) values[i] = tokens[i / times];
    return values;
  };
  std::vector<double> vision(768, 0);
  double clip_sum = 0;
  for (const int64_t frame : middle_frames(19)) {
    double mean = 0;
    for (int c = 0; c < 3; ++c) {
      const double value = (levels[frame] / 255.0 - in.mean[c]) / in.deviation[c];
      for (int i = 0; i < 256; ++i) vision[c * 256 + i] += value / 8;
      mean += value / 3;
    }
    clip_sum += cosine_of(std::vector<double>(512, mean), text(512, 7)) / 8;
  }
  EXPECT_NEAR(find_value(result, "overall_consistency"), cosine_of(vision, text(768, 24)), 1e-5);
  EXPECT_NEAR(find_value(result, "clip_score"), clip_sum, 1e-5);
}

TEST_F(SlowVideoNetworks, AreRefusedBeforeAnyWorkWhenTheyGiveSomethingElse) {
  const auto refused = [](const std::string& one, const std::string& part) {
    expect_input_error([&] { loaded({one}); }, part);
  };
  refused(model("raft", "a, b", "a"),
          "fails on [1,3,56,80] and [1,3,56,80]: its output has shape [1,3,56,80], RAFT gives "
          "[1,2,56,80]");
  refused(model("raft", "a", "a"), "raft.pt\" fails on [1,3,56,80] and [1,3,56,80]");
  refused(model("raft", "a, b", "(a, b)"), "its output is no tensor");
  refused(model("amt", "a, b", "torch.flatten(a, 1)"), "AMT gives [1,3,64,80]");
  refused(model("musiq", "x", "torch.mean(x, [2, 3])"), "MUSIQ gives [1,1]");
  refused(model("musiq", "x", "torch.mean(x) / 0."), "not finite");
  refused(model("viclip_video", "x", "torch.mean(x, [2, 3, 4])"),
          "fails on [1,8,3,224,224]: its output has shape [1,8], ViCLIP's encode_vision gives "
          "[1,768]");
  refused(model("viclip_text", "x", "x"), "fails on [1,32]");
  refused(model("clip_text", "x", "x"), "CLIP ViT-B/32's encode_text gives [1,512]");
}

TEST_F(SlowVideoNetworks, AreMeasuredOverClipsByTheTool) {
  std::vector<cv::Mat> frames;
  for (int i = 0; i < 10; ++i) frames.push_back(grey(i < 6 ? 150 : 200, 75, 50));
  const std::string video = write_frames(folder_ / "fox", frames);
  const std::string out = (folder_ / "r.json").string();
  std::string line =
      "metrics " + video + " --fps 2 --long --quiet --prompts " + prompts(video) + " --out " + out;
  for (const std::string& one : {raft(), musiq(), viclip_video(), viclip_text(), clip()})
    line += " --model " + one;
  const ToolResult tool = run_tool(line);
  ASSERT_EQ(tool.exit_code, 0) << tool.err;
  const auto json = nlohmann::json::parse(testing::read_bytes(out));
  const auto of = [&](const std::string& name) {
    return json.at(name)[1][0]["video_results"].get<double>();
  };
  // Clips of 4 frames: 0 to 3, 4 to 7, 6 to 9.
  EXPECT_NEAR(of("imaging_quality"), (6 * 150 + 4 * 200) / 10.0 / 255, 1e-5);
  EXPECT_NEAR(of("imaging_quality.long"), (150 + 175 + 200) / 3.0 / 255, 1e-5);
  // Of 4 frames one pair has to move, which is so in the second clip.
  EXPECT_NEAR(of("dynamic_degree.long"), 1.0 / 3, 1e-12);
  EXPECT_NEAR(of("temporal_flickering.long"), (2 + (255 - 50.0 / 3) / 255) / 3, 1e-12);
  EXPECT_NEAR(of("background_consistency.long"), 1, 1e-6);  // grey frames: one direction
  EXPECT_NEAR(of("background_consistency.clip_to_clip"), 1, 1e-6);
  EXPECT_NEAR(of("overall_consistency.long"), of("overall_consistency"), 1e-12);  // one clip
  EXPECT_EQ(json["vidattn"][1]["models"].size(), 5U);
  EXPECT_FALSE(json.contains("clip_score"));  // nothing encodes the prompt for CLIP
}

}  // namespace
}  // namespace vidattn
