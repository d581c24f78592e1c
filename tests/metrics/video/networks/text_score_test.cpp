#include "metrics/video/networks/text_score.h"

#include <gtest/gtest.h>

#include "metrics/video/consistency.h"
#include "tests/support/fake_network.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::FakeNetwork;
using testing::flat;
using Numbers = std::vector<int64_t>;

TEST(MiddleFrames, AreTheMiddlesOfEightParts) {
  EXPECT_EQ(middle_frames(0), (Numbers{}));
  EXPECT_EQ(middle_frames(1), (Numbers{0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(middle_frames(3), (Numbers{0, 1, 2, 2, 2, 2, 2, 2}));
  EXPECT_EQ(middle_frames(8), (Numbers{0, 1, 2, 3, 4, 5, 6, 7}));
  // Parts of 16 frames begin at 0, 2, …; of 20 at 0, 2, 5, 7, 10, 12, 15, 17.
  EXPECT_EQ(middle_frames(16), (Numbers{0, 2, 4, 6, 8, 10, 12, 14}));
  EXPECT_EQ(middle_frames(20), (Numbers{0, 3, 5, 8, 10, 13, 15, 18}));
}

TEST(TextScoreInput, IsRoundedToGreyLevels) {
  ModelInput input = text_score_input();
  input.mean = {0, 0, 0};
  input.deviation = {1, 1, 1};
  cv::Mat frame(300, 500, CV_8UC3);
  cv::RNG(7).fill(frame, cv::RNG::UNIFORM, 0, 256);
  const Planes rounded = preprocess(frame, input);
  input.whole_levels = false;
  const Planes exact = preprocess(frame, input);
  bool beyond = false;
  for (size_t i = 0; i < exact.values.size(); ++i) {
    const float level = 255 * exact.values[i];
    beyond = beyond || level < -1 || level > 256;
    ASSERT_NEAR(255 * rounded.values[i], std::clamp(std::nearbyint(level), 0.0F, 255.0F), 1e-3)
        << level;
  }
  EXPECT_TRUE(beyond);  // bicubic interpolation overshoots: the cut is tested, too
}

/// A still of each level, `count` times.
void feed_levels(VideoMetric& metric, const std::vector<int>& levels) {
  for (const int level : levels) metric.add(flat(level, level, level, 40, 70), 0);
}

/// How preprocessing has a grey level, in the red plane.
double red(int level) {
  const ModelInput in = text_score_input();
  return (level / 255.0 - in.mean[0]) / in.deviation[0];
}

TEST(ClipScore, IsTheMeanCosineOfTheMiddleFrames) {
  // A frame's feature is (red, 1), the text's (1, 0).
  const auto network = std::make_shared<FakeNetwork>([](const FakeNetwork::Inputs& pictures) {
    return std::vector<float>{pictures[0][0], 1};
  });
  const auto metric = clip_score(network, {1, 0}, 16);
  EXPECT_TRUE(std::isnan(metric->scores().at(0).value));
  std::vector<int> levels;
  double sum = 0;
  for (int i = 0; i < 16; ++i) levels.push_back(255 - 9 * i);
  for (int i = 0; i < 16; i += 2) sum += red(levels[i]) / std::hypot(red(levels[i]), 1);
  feed_levels(*metric, levels);
  EXPECT_EQ(metric->scores().at(0).name, "clip_score");
  EXPECT_NEAR(metric->scores().at(0).value, sum / 8, 1e-5);
  EXPECT_EQ(network->calls, 8);
  EXPECT_EQ(network->shapes[0], (std::vector<int64_t>{1, 3, 224, 224}));
}

TEST(OverallConsistency, IsTheCosineOfOneFeatureOfAllFrames) {
  // The video's feature is (red of the second frame, red of the last), the text's (0.6, 0.8).
  const auto network = std::make_shared<FakeNetwork>([](const FakeNetwork::Inputs& videos) {
    const size_t frame = size_t{3} * 224 * 224;
    return std::vector<float>{videos[0][frame], videos[0][7 * frame]};
  });
  const auto metric = overall_consistency(network, {0.6F, 0.8F}, 3);
  feed_levels(*metric, {250, 40, 130});
  const double a = red(40), b = red(130);  // a short video's last frame stands for those missing
  EXPECT_EQ(metric->scores().at(0).name, "overall_consistency");
  EXPECT_NEAR(metric->scores().at(0).value, (0.6 * a + 0.8 * b) / std::hypot(a, b), 1e-5);
  EXPECT_EQ(network->calls, 1);
  EXPECT_EQ(network->shapes[0], (std::vector<int64_t>{1, 8, 3, 224, 224}));
  EXPECT_EQ(network->asked, (std::vector<int64_t>{1, 2}));
}

}  // namespace
}  // namespace vidattn
