#include "metrics/video/aesthetic_quality.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

/// The frame's grey level over 100 and what completes it to unit length.
class Level : public FrameDescriptor {
 public:
  std::string name() const override { return "level"; }
  std::string protocol() const override { return "grey level"; }
  std::vector<Feature> describe(const cv::Mat& frame,
                                const std::vector<cv::Mat>& /*regions*/) const override {
    const auto level = static_cast<float>(cv::mean(frame)[0] / 100);
    return {{level, std::sqrt(1 - level * level)}};
  }
};

TEST(AestheticQuality, IsTheHeadsScoreOverTen) {
  AestheticQuality metric(std::make_shared<Level>(), {{4, 0}, 3});
  EXPECT_TRUE(std::isnan(metric.scores().at(0).value));
  for (const int level : {0, 50, 100}) metric.add({8, 8, CV_8UC3, cv::Scalar::all(level)}, 0);
  EXPECT_EQ(metric.scores().at(0).name, "aesthetic_quality");
  EXPECT_NEAR(metric.scores().at(0).value, 0.5, 1e-7);  // (3 + 5 + 7) / 3 / 10
}

}  // namespace
}  // namespace vidattn
