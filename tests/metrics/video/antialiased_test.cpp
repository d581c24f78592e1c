#include "metrics/video/antialiased.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace vidattn {
namespace {

cv::Mat pattern(int rows, int columns) {
  cv::Mat picture(rows, columns, CV_8UC3);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (int c = 0; c < 3; ++c)
        picture.at<cv::Vec3b>(y, x)[c] =
            static_cast<uchar>((37 * x + 91 * y + 50 * c + 7 * x * y) % 256);
  return picture;
}

std::vector<int> resized(cv::Size from, cv::Size to) {
  const cv::Mat result = resize_antialiased(pattern(from.height, from.width), to);
  EXPECT_EQ(result.size(), to);
  return {result.datastart, result.dataend};
}

/// Expected values are those of Pillow 13.0 for the same pictures.
TEST(ResizeAntialiased, GivesPillowsPixels) {
  EXPECT_EQ(resized({7, 5}, {3, 2}),
            (std::vector<int>{105, 130, 137, 125, 126, 138, 133, 131, 121, 124, 132, 124, 139, 137,
                              128, 151, 129, 119}));
  EXPECT_EQ(
      resized({2, 3}, {4, 5}),
      (std::vector<int>{0,   50,  100, 9,   59,  109, 28,  78,  128, 37,  87,  137, 36,  86,  136,
                        46,  96,  146, 66,  116, 166, 76,  126, 176, 91,  141, 191, 102, 152, 202,
                        124, 174, 224, 135, 185, 235, 146, 196, 92,  158, 169, 104, 182, 116, 128,
                        194, 90,  140, 182, 232, 26,  195, 181, 39,  220, 78,  64,  233, 27,  77}));
}

/// The same of larger ones, as a sum and one with weights that tell places apart; of the upright
/// one in two calls, rows first. of the upright one in two calls, rows first.
TEST(ResizeAntialiased, GivesPillowsSums) {
  const auto check = [](cv::Size from, cv::Size to, int64_t sum, int64_t weighted) {
    int64_t found = 0, found_weighted = 0, i = 0;
    for (const int value : resized(from, to)) {
      found += value;
      found_weighted += value * (i++ % 1009);
    }
    EXPECT_EQ(found, sum) << from;
    EXPECT_EQ(found_weighted, weighted) << from;
  };
  check({854, 480}, {398, 224}, 34058728, 17162293824);
  check({333, 901}, {224, 606}, 51876234, 26125766051);
  check({640, 272}, {527, 224}, 45077932, 22710296768);
  check({130, 100}, {291, 224}, 24925016, 12554841404);
  check({224, 224}, {224, 224}, 19181056, 9667974695);
}

}  // namespace
}  // namespace vidattn
