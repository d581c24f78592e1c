#include "metrics/video/video_metric.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace vidattn {
namespace {

/// Says what it was made for.
class Echo : public VideoMetric {
 public:
  explicit Echo(std::string name, double value) : score_{std::move(name), value} {}
  void add(const cv::Mat&, int) override {}
  std::vector<VideoScore> scores() const override { return {score_}; }

 private:
  VideoScore score_;
};

// The last in the list is registered first.
const RegisterVideoMetric last(1001, [](const VideoInfo& video, int64_t) {
  return std::make_unique<Echo>("test.fps", video.fps);
});
const RegisterVideoMetric before(1000, [](const VideoInfo&, int64_t frames_per_shot) {
  return std::make_unique<Echo>("test.frames_per_shot", static_cast<double>(frames_per_shot));
});

TEST(RegisteredVideoMetrics, AreMadeInTheOrderOfTheirPlacesForTheVideo) {
  const auto metrics = registered_video_metrics({.frames = 9, .fps = 24}, 7);
  ASSERT_GT(metrics.size(), 2U);
  const VideoScore shots = metrics[metrics.size() - 2]->scores()[0],
                   fps = metrics.back()->scores()[0];
  EXPECT_EQ(shots.name, "test.frames_per_shot");
  EXPECT_EQ(shots.value, 7);
  EXPECT_EQ(fps.name, "test.fps");
  EXPECT_EQ(fps.value, 24);
}

TEST(RegisteredVideoMetrics, HaveNamesOfTheirOwn) {
  std::vector<std::string> names;
  for (const auto& metric : registered_video_metrics({.frames = 9, .fps = 24}, 5))
    for (const VideoScore& score : metric->scores()) names.push_back(score.name);
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(std::count(names.begin(), names.end(), "temporal_flickering"), 1);
  EXPECT_EQ(names.front(), "temporal_flickering");
}

}  // namespace
}  // namespace vidattn
