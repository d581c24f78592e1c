#include "harness/probes/scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/harness/videos.h"

namespace vidattn {
namespace {

using testing::grey;

/// Two shots of two frames; the restored video is wrong by 5 levels, in the left half by 10.
struct Example {
  Clip clean{.frames = {grey(50), grey(50), grey(90), grey(90)}, .shots = {0, 2}, .fps = 8};
  std::vector<cv::Mat> restored, left;
  Example() {
    for (const cv::Mat& frame : clean.frames) {
      restored.push_back(frame + cv::Scalar::all(5));
      restored.back()({0, 0, 32, 48}) += cv::Scalar::all(5);
      left.push_back(cv::Mat::zeros(frame.size(), CV_8UC1));
      left.back()({0, 0, 32, 48}) = 255;
    }
  }
};

TEST(ProbeScores, RepeatedContentIsJudgedByItself) {
  const Example x;
  const auto scores = probe_scores(x.clean, x.restored, x.left);
  EXPECT_NEAR(find_score(scores, "psnr")->value, 10 * std::log10(255.0 * 255 / 62.5), 1e-9);
  const VideoScore& repeated = *find_score(scores, "psnr.cross_shot");
  EXPECT_NEAR(repeated.value, 20 * std::log10(25.5), 1e-9);
  EXPECT_DOUBLE_EQ(repeated.details.at("share_of_pixels"), 0.5);
}

TEST(ProbeScores, NothingRepeatedIsUndefined) {
  const Example x;
  const std::vector<cv::Mat> nowhere(4, cv::Mat::zeros(48, 64, CV_8UC1));
  for (const auto& repeated : {nowhere, std::vector<cv::Mat>{}}) {
    const auto scores = probe_scores(x.clean, x.restored, repeated);
    EXPECT_TRUE(std::isnan(find_score(scores, "psnr.cross_shot")->value));
  }
}

TEST(ProbeScores, HoldTheVideoMetricsWithTheClipsShots) {
  const Example x;
  const auto scores = probe_scores(x.clean, x.restored, x.left);
  // One cut of 40 levels in three pairs.
  EXPECT_NEAR(find_score(scores, "temporal_flickering")->value, 1 - 40.0 / 3 / 255, 1e-9);
  // Two shots, so it is defined.
  EXPECT_TRUE(std::isfinite(find_score(scores, "cross_shot.hsv_lbp_vlad")->value));
  EXPECT_EQ(find_score(scores, "nothing"), nullptr);
}

}  // namespace
}  // namespace vidattn
