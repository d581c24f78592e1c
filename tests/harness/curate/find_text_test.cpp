#include "harness/curate/text/find_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

/// Moving blobs without edges.
cv::Mat background(int shift) {
  cv::Mat frame(360, 640, CV_8U, cv::Scalar(90));
  for (int i = 0; i < 9; ++i)
    cv::circle(frame, {80 * i + shift, 60 + 53 * i % 240}, 50, cv::Scalar(60 + 15 * i), cv::FILLED);
  cv::GaussianBlur(frame, frame, {31, 31}, 0);
  return frame;
}

void put(cv::Mat& frame, const std::string& text, cv::Point at, double size) {
  cv::putText(frame, text, at, cv::FONT_HERSHEY_SIMPLEX, size, cv::Scalar(0), 5, cv::LINE_AA);
  cv::putText(frame, text, at, cv::FONT_HERSHEY_SIMPLEX, size, cv::Scalar(255), 2, cv::LINE_AA);
}

bool holds(const std::vector<cv::Rect>& boxes, cv::Point point) {
  return std::any_of(boxes.begin(), boxes.end(),
                     [&](const cv::Rect& box) { return box.contains(point); });
}

TEST(FindText, CandidatesAreLinesThatStandStill) {
  cv::Mat frame = background(0), later = background(6);
  put(frame, "We should go home", {170, 330}, 0.9);
  put(later, "We should go home", {170, 330}, 0.9);
  put(frame, "HOTEL", {100, 120}, 0.9);
  put(later, "HOTEL", {100, 180}, 0.9);
  const auto boxes = text_candidates(frame, later, 48);
  EXPECT_TRUE(holds(boxes, {300, 322}));
  EXPECT_FALSE(holds(boxes, {150, 112})) << "its strokes are elsewhere in the other frame";
  EXPECT_TRUE(text_candidates(background(0), background(6), 28).empty());
}

TEST(FindText, TesseractReadsWhatStandsInThem) {
  if (!ocr_available()) GTEST_SKIP() << "no Tesseract";
  const auto reader = open_line_reader("eng");
  cv::Mat frame = background(0), later = background(6);
  for (cv::Mat* one : {&frame, &later}) put(*one, "We should go home", {170, 330}, 0.9);
  const auto lines = find_text(frame, later, *reader, 70);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].text.find("should"), std::string::npos) << lines[0].text;
  const cv::Rect around(150, 290, 340, 60);
  EXPECT_EQ(lines[0].box & around, lines[0].box) << lines[0].box;
  EXPECT_GT(lines[0].box.width, 240);
}

}  // namespace
}  // namespace vidattn
