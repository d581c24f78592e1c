#include "harness/curate/text/text_finder.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "harness/curate/text/text_detector.h"
#include "tests/harness/files.h"
#include "tests/harness/networks/tiny_onnx.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::pixel_network;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(TextDetector, SeesFramesAsThePackageDoes) {
  const auto seen = [](int width, int height) { return TextDetector::seen_size({width, height}); };
  EXPECT_EQ(seen(1280, 720), cv::Size(1312, 736));
  EXPECT_EQ(seen(720, 1280), cv::Size(736, 1312));
  EXPECT_EQ(seen(640, 360), cv::Size(1312, 736));
  EXPECT_EQ(seen(1920, 1080), cv::Size(1920, 1088));
  EXPECT_EQ(seen(3840, 2160), cv::Size(1984, 1120));
  EXPECT_EQ(seen(2000, 400), cv::Size(3680, 736)) << "short sides are made larger whatever comes";
}

/// White is text: 12 times the mean of the three channels from -1 to 1, less 9.
TextChoice white_is_text(const TemporaryFolder& folder) {
  write_bytes(folder / "ppocrv4.onnx", pixel_network({4, 4, 4}, -9));
  TextChoice choice = choose_text("ppocrv4:" + folder.path().string(), "eng");
  try_text(choice);
  return choice;
}

TEST(TextFinder, TheDetectorsLinesHaveBoxesAndNoWords) {
  const TemporaryFolder folder;
  TextChoice choice;
  try {
    choice = white_is_text(folder);
  } catch (const InputError& error) {
    if (std::string(error.what()).find("no OpenCV dnn") == std::string::npos) throw;
    GTEST_SKIP() << error.what();
  }
  EXPECT_EQ(choice.identity().substr(0, 8), "ppocrv4 ");
  cv::Mat frame(720, 1280, CV_8UC3, cv::Scalar::all(60)), luma;
  frame({300, 600, 500, 30}).setTo(cv::Scalar::all(255));
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  const auto lines = open_text_finder(choice, 70)->find(frame, luma, luma);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(open_text_finder(choice, 100)->find(frame, luma, luma).empty()) << "not that sure";
  EXPECT_EQ(lines[0].text, "");
  EXPECT_GT(lines[0].confidence, 80);
  const double grown = 1.6 * 500 * 30 / (2 * 530);
  EXPECT_NEAR(lines[0].box.x, 300 - grown, 3);
  EXPECT_NEAR(lines[0].box.y, 600 - grown, 3);
  EXPECT_NEAR(lines[0].box.width, 500 + 2 * grown, 5);
  EXPECT_NEAR(lines[0].box.height, 30 + 2 * grown, 5);
}

TEST(TextFinder, WhatCannotBeChosenIsOneLine) {
  const TemporaryFolder folder;
  expect_input_error([] { choose_text("paddle", "eng"); }, "auto, on, off or ppocrv4");
  expect_input_error([] { choose_text("ppocrv4:", "eng"); }, "auto, on, off or ppocrv4");
  expect_input_error([&] { choose_text("ppocrv4:" + folder.path().string(), "eng"); },
                     "get_models.sh ppocrv4");
  write_bytes(folder / "ppocrv4.onnx", "text");
  const TextChoice wrong = choose_text("ppocrv4:" + folder.path().string(), "eng");
  expect_input_error([&] { try_text(wrong); }, "--ocr ppocrv4: ");
  EXPECT_TRUE(choose_text("off", "eng").none());
  EXPECT_EQ(choose_text("off", "eng").identity(), "");
}

}  // namespace
}  // namespace vidattn
