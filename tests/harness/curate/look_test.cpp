#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "harness/curate/shots/look_meter.h"
#include "tests/harness/curate/painted_videos.h"

namespace vidattn {
namespace {

/// The look of a scene over which the camera does `change`.
template <class Change>
ClipLook look_of(Change change) {
  LookMeter meter;
  const cv::Mat scene = testing::PaintedScene(3, {0, 0}).frame(0);
  for (int i = 0; i < 3; ++i) {
    cv::Mat first, then;
    cv::cvtColor(change(scene, i), first, cv::COLOR_BGR2GRAY);
    cv::cvtColor(change(scene, i + 1), then, cv::COLOR_BGR2GRAY);
    meter.add_pair(Flow::shrink_luma(first), Flow::shrink_luma(then), 0.1);
  }
  return meter.look();
}

cv::Mat moved(const cv::Mat& scene, const cv::Matx23d& how) {
  cv::Mat frame;
  cv::warpAffine(scene, frame, how, scene.size(), cv::INTER_LINEAR, cv::BORDER_REFLECT);
  return frame;
}

TEST(ClipLook, SaysWhatTheCameraDoes) {
  const auto shifted = [](double x, double y) {
    return look_of([=](const cv::Mat& scene, int i) {
      return moved(scene, {1, 0, i * x, 0, 1, i * y});
    });
  };
  EXPECT_EQ(shifted(0, 0).camera_word(), "static");
  EXPECT_EQ(shifted(0, 0).motion_word(), "still");
  const ClipLook right = shifted(-4, 0);  // the picture goes left
  EXPECT_EQ(right.camera_word(), "pans right");
  EXPECT_NEAR(right.pan, 4 / 0.1 / 320, 0.02);
  EXPECT_EQ(shifted(4, 0).camera_word(), "pans left");
  EXPECT_EQ(shifted(0, -3).camera_word(), "tilts down");
  const ClipLook in = look_of([](const cv::Mat& scene, int i) {
    const double s = 1 + 0.02 * i;
    return moved(scene, {s, 0, 160 * (1 - s), 0, s, 90 * (1 - s)});
  });
  EXPECT_EQ(in.camera_word(), "zooms in");
  EXPECT_NEAR(in.zoom, 0.2, 0.06);
}

TEST(ClipLook, NamesColoursAndLight) {
  LookMeter meter;
  cv::Mat frame(90, 160, CV_8UC3, cv::Scalar(200, 60, 20));  // blue
  frame.colRange(0, 50).setTo(cv::Scalar(128, 128, 128));
  frame.colRange(0, 10).setTo(cv::Scalar(20, 20, 220));  // red, on a sixteenth
  meter.add_frame(frame);
  const ClipLook look = meter.look();
  EXPECT_EQ(look.colours, (std::vector<std::string>{"blue", "grey"}));
  EXPECT_EQ(look.light_word(), "medium");
  const nlohmann::json json = to_json(look);
  EXPECT_EQ(to_json(read_clip_look(JsonReader(json))), json);
}

}  // namespace
}  // namespace vidattn
