#include "harness/workloads/media/orientation.h"

#include <gtest/gtest.h>

#include <string>

namespace vidattn {
namespace {

constexpr int32_t kOne = 1 << 16, kLast = 1 << 30;

/// Where a display matrix sends the upper left pixel of three columns and two rows, whose pixels
/// are 0 to 5.
cv::Mat shown(const Orientation& orientation) {
  const cv::Mat picture = (cv::Mat_<uchar>(2, 3) << 0, 1, 2, 3, 4, 5);
  return oriented(picture, orientation);
}

void expect_equal(const cv::Mat& a, const cv::Mat& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  EXPECT_EQ(cv::norm(a, b, cv::NORM_INF), 0) << what;
}

TEST(Orientation, FollowsTheDisplayMatrix) {
  const struct {
    int32_t a, b, c, d;
    cv::Mat seen;
  } cases[] = {{kOne, 0, 0, kOne, (cv::Mat_<uchar>(2, 3) << 0, 1, 2, 3, 4, 5)},
               {0, kOne, -kOne, 0, (cv::Mat_<uchar>(3, 2) << 3, 0, 4, 1, 5, 2)},
               {-kOne, 0, 0, -kOne, (cv::Mat_<uchar>(2, 3) << 5, 4, 3, 2, 1, 0)},
               {0, -kOne, kOne, 0, (cv::Mat_<uchar>(3, 2) << 2, 5, 1, 4, 0, 3)},
               {-kOne, 0, 0, kOne, (cv::Mat_<uchar>(2, 3) << 2, 1, 0, 5, 4, 3)},
               {kOne, 0, 0, -kOne, (cv::Mat_<uchar>(2, 3) << 3, 4, 5, 0, 1, 2)}};
  for (const auto& one : cases) {
    const int32_t matrix[9] = {one.a, one.b, 0, one.c, one.d, 0, 0, 0, kLast};
    expect_equal(shown(display_orientation(matrix)), one.seen,
                 std::to_string(one.a) + " " + std::to_string(one.b));
  }
}

TEST(Orientation, WhatItCannotFollowOfTheMatrixIsSaid) {
  const auto doubt = [](double a, double b, double c, double d) {
    const auto fixed = [](double x) { return static_cast<int32_t>(x * kOne); };
    const int32_t matrix[9] = {fixed(a), fixed(b), 0, fixed(c), fixed(d), 0, 0, 0, kLast};
    return display_doubt(matrix);
  };
  EXPECT_EQ(doubt(1, 0, 0, 1), "");
  EXPECT_EQ(doubt(2, 0, 0, -1), "");
  EXPECT_EQ(doubt(0.001, 1, -1, 0), "");
  EXPECT_NE(doubt(0.5, 0.5, -0.5, 0.5).find("turns by 45 degrees"), std::string::npos);
  for (const std::string& said : {doubt(0, 0, 0, 0), doubt(0, 1, 0, 1), doubt(1, 0, 0, 0)})
    EXPECT_NE(said.find("degenerate"), std::string::npos) << said;
  const int32_t line[9] = {0, kOne, 0, 0, 0, 0, 0, 0, kLast};
  EXPECT_EQ(display_orientation(line), Orientation{});
}

TEST(Orientation, FollowsExif) {
  expect_equal(shown(exif_orientation(6)), (cv::Mat_<uchar>(3, 2) << 3, 0, 4, 1, 5, 2), "6");
  expect_equal(shown(exif_orientation(8)), (cv::Mat_<uchar>(3, 2) << 2, 5, 1, 4, 0, 3), "8");
  expect_equal(shown(exif_orientation(5)), (cv::Mat_<uchar>(3, 2) << 0, 3, 1, 4, 2, 5), "5");
  expect_equal(shown(exif_orientation(7)), (cv::Mat_<uchar>(3, 2) << 5, 2, 4, 1, 3, 0), "7");
  EXPECT_EQ(exif_orientation(0), Orientation{});
  EXPECT_EQ(exif_orientation(9), Orientation{});
}

TEST(Orientation, TheTagIsFoundInBothByteOrdersAndNowhereBeyondTheEnd) {
  const std::string little("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22);
  const std::string big("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 22);
  const auto tag = [](const std::string& bytes) {
    return orientation_tag({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  };
  EXPECT_EQ(tag(little), 6);
  EXPECT_EQ(tag(big), 8);
  for (size_t size = 0; size < little.size(); ++size) {
    EXPECT_FALSE(tag(little.substr(0, size))) << size;
    EXPECT_FALSE(tag(std::string(size, '\xff'))) << size;
  }
  EXPECT_FALSE(tag(std::string("II*\0\xff\xff\xff\xff\xff\xff", 10)));
}

}  // namespace
}  // namespace vidattn
