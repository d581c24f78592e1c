#include "metrics/video/networks/raft.h"

#include <gtest/gtest.h>

#include "tests/support/fake_network.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::FakeNetwork;
using testing::flat;
using Shapes = std::vector<std::vector<int64_t>>;

/// Flow (3, 4) in the first `moving` pixels of the padded picture, none elsewhere.
std::shared_ptr<FakeNetwork> moving_in(size_t moving) {
  return std::make_shared<FakeNetwork>([moving](const FakeNetwork::Inputs& pictures) {
    const size_t pixels = pictures[0].size() / 3;
    std::vector<float> flow(2 * pixels, 0);
    for (size_t i = 0; i < std::min(moving, pixels); ++i) {
      flow[i] = 3;
      flow[pixels + i] = -4;
    }
    return flow;
  });
}

TEST(RaftMotion, IsGivenPaddedRgbFramesInGreyLevels) {
  const auto network = moving_in(1 << 20);
  cv::Mat from = flat(10, 20, 30, 13, 18), to = flat(40, 50, 60, 13, 18);
  from.at<cv::Vec3b>(0, 0) = {1, 2, 3};
  EXPECT_DOUBLE_EQ(RaftMotion(network).top_magnitude(from, to), 5);
  // 13x18 becomes 16x24: one row above, two below, three columns at either side.
  EXPECT_EQ(network->shapes, (Shapes{{1, 3, 16, 24}, {1, 3, 16, 24}}));
  EXPECT_EQ(network->asked, (std::vector<int64_t>{1, 2, 16, 24}));
  const auto at = [&](int picture, int c, int y, int x) {
    return network->last[picture][(c * 16 + y) * 24 + x];
  };
  for (const auto& [y, x] :
       std::vector<std::pair<int, int>>{{0, 0}, {1, 3}, {0, 3}, {1, 0}}) {  // the corner, repeated
    EXPECT_EQ(at(0, 0, y, x), 3) << y << x;
    EXPECT_EQ(at(0, 1, y, x), 2) << y << x;
    EXPECT_EQ(at(0, 2, y, x), 1) << y << x;
  }
  EXPECT_EQ(at(0, 0, 1, 4), 30);
  EXPECT_EQ(at(0, 0, 2, 3), 30);
  EXPECT_EQ(at(1, 0, 15, 23), 60);
  EXPECT_EQ(at(1, 2, 15, 23), 40);
}

TEST(RaftMotion, AveragesTheLargestTwentiethOfThePaddedFrame) {
  // 16x24: 19 of 384 pixels are looked at.
  const cv::Mat frame = flat(1, 2, 3, 13, 18);
  EXPECT_DOUBLE_EQ(RaftMotion(moving_in(19)).top_magnitude(frame, frame), 5);
  EXPECT_DOUBLE_EQ(RaftMotion(moving_in(10)).top_magnitude(frame, frame), 50.0 / 19);
  EXPECT_DOUBLE_EQ(RaftMotion(moving_in(0)).top_magnitude(frame, frame), 0);
}

VideoScore degree(double fps, int frames, double side, const std::vector<double>& motion) {
  int call = 0;
  const auto network = std::make_shared<FakeNetwork>([&](const FakeNetwork::Inputs& pictures) {
    return std::vector<float>(pictures[0].size() / 3 * 2,
                              static_cast<float>(motion.at(call++) / std::sqrt(2.0)));
  });
  DynamicDegree metric(fps, std::make_unique<RaftMotion>(network));
  for (int i = 0; i < frames; ++i)
    metric.add(flat(1, 1, 1, static_cast<int>(side), static_cast<int>(2 * side)), 0);
  EXPECT_EQ(static_cast<size_t>(call), motion.size());
  return metric.scores().at(0);
}

TEST(DynamicDegree, OfRaftHasVBenchsNameAndThreshold) {
  // 16 frames taken of 48 at 24 fps: 4 of 15 pairs must exceed 6 * 64 / 256 = 1.5 pixels.
  std::vector<double> motion(15, 1.49);
  for (const int at : {1, 5, 14}) motion[at] = 1.51;
  const VideoScore still = degree(24, 48, 64, motion);
  EXPECT_EQ(still.name, "dynamic_degree");
  EXPECT_DOUBLE_EQ(still.value, 0);
  EXPECT_DOUBLE_EQ(still.details.at("threshold_pixels"), 1.5);
  EXPECT_DOUBLE_EQ(still.details.at("moving_pairs_needed"), 4);
  motion[8] = 1.51;
  EXPECT_DOUBLE_EQ(degree(24, 48, 64, motion).value, 1);
  // Below 8 fps every frame is taken and the threshold stays, as VBench's.
  EXPECT_DOUBLE_EQ(degree(4, 16, 64, motion).details.at("threshold_pixels"), 1.5);
}

}  // namespace
}  // namespace vidattn
