#include "metrics/video/networks/amt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/support/fake_network.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::FakeNetwork;
using testing::pattern;

std::shared_ptr<FakeNetwork> blend(float of_first, float of_second) {
  return std::make_shared<FakeNetwork>([=](const FakeNetwork::Inputs& pictures) {
    std::vector<float> out(pictures[0].size());
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = of_first * pictures[0][i] + of_second * pictures[1][i];
    return out;
  });
}

TEST(AmtMiddle, IsGivenPaddedFramesFromZeroToOneAndCutToTheFrame) {
  for (const cv::Size size : {cv::Size(16, 16), cv::Size(17, 31), cv::Size(45, 1)}) {
    const cv::Mat all = pattern(1);
    const cv::Mat before = all({0, 0, size.width, size.height}),
                  after = all({90, 60, size.width, size.height});
    const auto network = blend(1, 0);
    const cv::Mat same = AmtMiddle(network).between(before, after);
    const int64_t height = (size.height + 15) / 16 * 16, width = (size.width + 15) / 16 * 16;
    EXPECT_EQ(network->shapes[0], (std::vector<int64_t>{1, 3, height, width}));
    EXPECT_EQ(network->shapes[1], network->shapes[0]);
    EXPECT_EQ(network->asked, network->shapes[0]);
    EXPECT_LE(*std::max_element(network->last[0].begin(), network->last[0].end()), 1);
    // v / 255 * 255 may lie just below v, and is then cut to v - 1, as VBench does.
    EXPECT_LE(cv::norm(same, before, cv::NORM_INF), 1) << size;
    EXPECT_LE(cv::norm(AmtMiddle(blend(0, 1)).between(before, after), after, cv::NORM_INF), 1);
  }
}

TEST(AmtMiddle, CutsValuesTowardsZeroAndToEightBits) {
  const cv::Mat frame(8, 8, CV_8UC3, cv::Scalar(10, 100, 200));
  const auto level = [&](float factor) {
    const cv::Vec3b v = AmtMiddle(blend(factor, 0)).between(frame, frame).at<cv::Vec3b>(3, 3);
    return std::array<int, 3>{v[0], v[1], v[2]};
  };
  EXPECT_EQ(level(1.199F), (std::array{11, 119, 239}));  // 11.99, 119.9, 239.8
  EXPECT_EQ(level(2), (std::array{20, 200, 255}));
  EXPECT_EQ(level(-1), (std::array{0, 0, 0}));
}

TEST(MotionSmoothness, OfAmtIsVBenchsFormula) {
  // The interpolated frame is 1.255 times the one before: 125, against 150 and 110.
  const auto network = blend(1.255F, 0);
  MotionSmoothness metric(std::make_unique<AmtMiddle>(network));
  for (const int level : {100, 150, 100, 110, 100, 7})  // the last odd frame has no neighbour after
    metric.add(cv::Mat(10, 20, CV_8UC3, cv::Scalar::all(level)), 0);
  EXPECT_EQ(network->calls, 2);
  const VideoScore score = metric.scores().at(0);
  EXPECT_EQ(score.name, "motion_smoothness");
  EXPECT_NEAR(score.value, (255 - (25.0 + 15.0) / 2) / 255, 1e-12);
}

}  // namespace
}  // namespace vidattn
