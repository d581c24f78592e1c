// Black bars and logos.
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "harness/curate/source/borders.h"
#include "harness/curate/source/logos.h"
#include "tests/harness/curate/painted_videos.h"

namespace vidattn {
namespace {

cv::Mat noise_picture(cv::Size size, uint64_t seed) {
  cv::RNG random(seed + 1);  // 0 is replaced by a fixed seed
  cv::Mat small(size.height / 12, size.width / 12, CV_8U), picture;
  random.fill(small, cv::RNG::UNIFORM, 40, 250);
  cv::resize(small, picture, size, 0, 0, cv::INTER_CUBIC);
  return picture;
}

TEST(BorderFinder, FindsBarsOfAnyWidthAndNoneInDarkScenes) {
  const cv::Rect inner(37, 0, 240, 150);
  BorderFinder bars, none, dark;
  for (uint64_t i = 0; i < 5; ++i) {
    cv::Mat frame(180, 320, CV_8U, cv::Scalar(16));
    noise_picture(inner.size(), i).copyTo(frame(inner));
    cv::putText(frame, "subtitle", {100, 172}, cv::FONT_HERSHEY_SIMPLEX, 0.6, cv::Scalar(255), 1);
    bars.add(frame);
    none.add(noise_picture({320, 180}, i));
    dark.add(cv::Mat(180, 320, CV_8U, cv::Scalar(10)));
  }
  const cv::Rect found = bars.area();
  EXPECT_NEAR(found.x, inner.x, 1);
  EXPECT_NEAR(found.br().x, inner.br().x, 1);
  EXPECT_EQ(found.y, 0);
  EXPECT_NEAR(found.br().y, 150, 1) << "a subtitle in a bar is no picture";
  EXPECT_EQ(none.area(), cv::Rect(0, 0, 320, 180));
  EXPECT_EQ(dark.area(), cv::Rect(0, 0, 320, 180));
}

/// A place of a scene that no other seed has.
cv::Mat scene(uint64_t seed) {
  cv::Mat luma;
  cv::cvtColor(testing::PaintedScene(seed + 1).frame(0), luma, cv::COLOR_BGR2GRAY);
  return luma;
}

TEST(LogoFinder, FindsWhatStandsStillOverDifferentPictures) {
  LogoFinder with, without, still, few;
  for (uint64_t i = 0; i < 24; ++i) {
    cv::Mat frame = scene(i);
    without.add(frame);
    cv::circle(frame, {270, 40}, 18, cv::Scalar(255), 4);
    cv::circle(frame, {270, 40}, 21, cv::Scalar(0), 2);
    with.add(frame);
    if (i < 8) few.add(frame);
    cv::Mat same = scene(1);
    same += cv::Scalar(i % 2 == 0 ? 0 : 12);
    still.add(same);
  }
  const cv::Rect area(0, 0, 320, 180);
  const auto boxes = with.boxes(area);
  ASSERT_EQ(boxes.size(), 1U);
  const cv::Rect logo(250, 20, 41, 41);
  EXPECT_GT((boxes[0] & logo).area(), 0.9 * logo.area()) << boxes[0];
  EXPECT_LT(boxes[0].area(), 3 * logo.area()) << boxes[0];
  EXPECT_TRUE(without.boxes(area).empty());
  EXPECT_EQ(still.frames(), 24);
  EXPECT_TRUE(still.boxes(area).empty()) << "a picture that stands still has no logo";
  EXPECT_TRUE(few.boxes(area).empty()) << few.frames();
}

}  // namespace
}  // namespace vidattn
