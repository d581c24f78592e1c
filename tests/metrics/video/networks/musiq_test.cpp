#include "metrics/video/networks/musiq.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/fake_network.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::FakeNetwork;
using testing::flat;
using testing::pattern;

TEST(MusiqInput, BringsTheLongerSideTo512) {
  const auto size = [](int rows, int cols) {
    const Planes planes = musiq_input(flat(0, 128, 255, rows, cols));
    EXPECT_NEAR(planes.values.front(), 1, 1e-6);
    EXPECT_NEAR(planes.values.back(), 0, 1e-6);
    EXPECT_EQ(planes.values.size(), static_cast<size_t>(3) * planes.height * planes.width);
    return std::pair{planes.height, planes.width};
  };
  EXPECT_EQ(size(480, 512), (std::pair{480, 512}));
  EXPECT_EQ(size(480, 854), (std::pair{287, 512}));  // 287.77 is rounded down
  EXPECT_EQ(size(1280, 720), (std::pair{512, 288}));
  EXPECT_EQ(size(1, 1), (std::pair{1, 1}));
  EXPECT_EQ(size(2, 4096), (std::pair{1, 512}));
}

TEST(MusiqInput, IsBilinearWithoutAntiAliasing) {
  const cv::Mat frame = pattern(3, 1024, 1024);
  const Planes planes = musiq_input(frame);
  ASSERT_EQ(planes.width, 512);
  for (const auto& [y, x] : std::vector<std::pair<int, int>>{{0, 0}, {100, 37}, {511, 511}})
    for (int c = 0; c < 3; ++c) {  // half the size: the mean of 2x2 pixels
      double sum = 0;
      for (int i = 0; i < 4; ++i) sum += frame.at<cv::Vec3b>(2 * y + i / 2, 2 * x + i % 2)[2 - c];
      EXPECT_NEAR(planes.values[(c * 512 + y) * 512 + x], sum / 4 / 255, 1e-5);
    }
}

TEST(MusiqQuality, IsTheMeanOverAHundred) {
  const auto network = std::make_shared<FakeNetwork>([](const FakeNetwork::Inputs& pictures) {
    const auto& v = pictures[0];
    return std::vector<float>{100 * std::accumulate(v.begin(), v.end(), 0.0F) /
                              static_cast<float>(v.size())};
  });
  MusiqQuality metric(network);
  EXPECT_TRUE(std::isnan(metric.scores().at(0).value));
  for (const int level : {51, 102, 204}) metric.add(flat(level, level, level, 20, 30), 0);
  const VideoScore score = metric.scores().at(0);
  EXPECT_EQ(score.name, "imaging_quality");
  EXPECT_NEAR(score.value, (0.2 + 0.4 + 0.8) / 3, 1e-5);
  ASSERT_EQ(score.series.size(), 3U);
  EXPECT_NEAR(score.series[1], 0.4, 1e-5);
  EXPECT_EQ(network->shapes[0], (std::vector<int64_t>{1, 3, 20, 30}));
}

}  // namespace
}  // namespace vidattn
