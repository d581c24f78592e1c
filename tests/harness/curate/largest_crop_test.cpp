#include "harness/curate/crop/largest_crop.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/host/random.h"

namespace vidattn {
namespace {

bool avoids(const cv::Rect& crop, const std::vector<cv::Rect>& boxes) {
  return std::none_of(boxes.begin(), boxes.end(),
                      [&](const cv::Rect& box) { return !(crop & box).empty(); });
}

int64_t distance(const cv::Rect& crop, cv::Size frame) {
  const int64_t dx = 2 * crop.x + crop.width - frame.width;
  const int64_t dy = 2 * crop.y + crop.height - frame.height;
  return dx * dx + dy * dy;
}

/// Every height from the largest on, every place.
cv::Rect by_trying_all(cv::Size frame, const std::vector<cv::Rect>& boxes) {
  for (int height = frame.height / 2 * 2; height >= 2; height -= 2) {
    const cv::Size side(crop_width(frame, height), height);
    if (side.width == 0) continue;
    cv::Rect best;
    for (int y = 0; y + side.height <= frame.height; ++y)
      for (int x = 0; x + side.width <= frame.width; ++x) {
        const cv::Rect crop({x, y}, side);
        if (avoids(crop, boxes) && (best.empty() || distance(crop, frame) < distance(best, frame)))
          best = crop;
      }
    if (!best.empty()) return best;
  }
  return {};
}

TEST(LargestCrop, IsTheOneThatTryingAllPlacesFinds) {
  Random random(1);
  for (const cv::Size frame : {cv::Size(32, 18), cv::Size(17, 31), cv::Size(24, 24),
                               cv::Size(3, 40), cv::Size(40, 3), cv::Size(23, 13)})
    for (int trial = 0; trial < 60; ++trial) {
      std::vector<cv::Rect> boxes;
      for (int64_t i = random.below(7); i > 0; --i) {
        const int64_t x = random.below(frame.width + 4) - 2, y = random.below(frame.height + 4) - 2;
        boxes.emplace_back(x, y, 1 + random.below(8), 1 + random.below(6));
      }
      const cv::Rect crop = largest_crop(frame, boxes), expected = by_trying_all(frame, boxes);
      EXPECT_EQ(crop.size(), expected.size()) << frame << " trial " << trial;
      EXPECT_EQ(distance(crop, frame), distance(expected, frame)) << frame << " trial " << trial;
      EXPECT_TRUE(avoids(crop, boxes));
    }
}

TEST(LargestCrop, KeepsAllOfAFrameWithoutBoxesAndTheRatioOfOthers) {
  EXPECT_EQ(largest_crop({1280, 720}, {}), cv::Rect(0, 0, 1280, 720));
  EXPECT_EQ(largest_crop({855, 481}, {}), cv::Rect(0, 0, 854, 480));
  const cv::Rect below = largest_crop({1280, 720}, {{300, 620, 600, 60}});
  EXPECT_EQ(below, cv::Rect(89, 0, 1102, 620));
  EXPECT_TRUE(largest_crop({64, 36}, {{0, 0, 64, 36}}).empty());
}

TEST(LargestCrop, GoesBesideABoxWhereThatIsLarger) {
  // A greedy cut below the box would keep 40 of 90 rows, beside it 70% of the columns stay.
  const cv::Rect crop = largest_crop({160, 90}, {{0, 30, 40, 20}});
  EXPECT_EQ(crop.x, 40);
  EXPECT_GE(crop.height, 66);
}

}  // namespace
}  // namespace vidattn
