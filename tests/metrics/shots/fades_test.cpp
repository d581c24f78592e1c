#include "metrics/shots/fades.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

std::vector<Fade> fades(const std::vector<double>& brightness) {
  FadeDetector detector(12);
  for (const double value : brightness) detector.push(value);
  return detector.fades();
}

void expect_fade(const Fade& fade, int64_t first, int64_t black_first, int64_t black_last,
                 int64_t last) {
  EXPECT_EQ(fade.first, first);
  EXPECT_EQ(fade.black_first, black_first);
  EXPECT_EQ(fade.black_last, black_last);
  EXPECT_EQ(fade.last, last);
}

TEST(FadeDetector, FindsBlackAndBothRamps) {
  const auto found = fades({90, 90, 60, 30, 0, 0, 25, 50, 75, 75, 75});
  ASSERT_EQ(found.size(), 1U);
  expect_fade(found[0], 2, 4, 5, 7);  // frame 8 is the first of full brightness
}

TEST(FadeDetector, CutsToAndFromBlackHaveNoRamps) {
  const auto found = fades({90, 90, 0, 0, 90, 90});
  ASSERT_EQ(found.size(), 1U);
  expect_fade(found[0], 2, 2, 3, 3);
}

TEST(FadeDetector, KnowsTheEndsOfTheVideo) {
  expect_fade(fades({0, 0, 30, 60, 60})[0], 0, 0, 1, 2);
  expect_fade(fades({60, 60, 30, 0, 0})[0], 2, 3, 4, 4);
  expect_fade(fades({0})[0], 0, 0, 0, 0);
}

TEST(FadeDetector, DarkIsNotBlackAndSeveralAreKeptApart) {
  EXPECT_TRUE(fades({90, 50, 12, 12, 50, 90}).empty());
  EXPECT_EQ(fades({90, 5, 90, 90, 90, 5, 90}).size(), 2U);
}

}  // namespace
}  // namespace vidattn
