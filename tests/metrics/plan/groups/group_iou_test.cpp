#include "metrics/plan/groups/group_iou.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(GroupIou, IsTheBestGroupsByHand) {
  const VideoGrid grid{.frames = 2, .height = 1, .width = 4};
  // Frame 0: mask {0, 1}; group 1 = {0, 1, 2}: 2/3. Frame 1: mask of 2 = {7}; group 0 = {7}: 1.
  const std::vector<uint8_t> identity{1, 1, 0, 0, 0, 0, 0, 2};
  const std::vector<int32_t> group{1, 1, 1, 0, 1, 1, 1, 0};
  const IouSum sum = best_group_iou(grid, group, 2, identity);
  EXPECT_EQ(sum.masks, 2);
  EXPECT_NEAR(sum.mean(), (2.0 / 3 + 1) / 2, 1e-12);
}

TEST(GroupIou, OfRandomGroupsHasAClosedForm) {
  const VideoGrid grid{.frames = 1, .height = 1, .width = 4};
  const IouSum sum = random_group_iou(grid, 5, {3, 3, 0, 0});
  EXPECT_NEAR(sum.mean(), 0.5 / (4 * 0.5 + 1), 1e-12);
}

TEST(GroupIou, TokensWithoutAGroupAreInNone) {
  const VideoGrid grid{.frames = 1, .height = 1, .width = 4};
  EXPECT_NEAR(best_group_iou(grid, {0, -1, 1, -1}, 2, {1, 1, 0, 0}).mean(), 0.5, 1e-12);
}

TEST(GroupIou, NoMasksAreNone) {
  const VideoGrid grid{.frames = 1, .height = 1, .width = 4};
  EXPECT_EQ(best_group_iou(grid, {0, 1, 0, 1}, 2, {0, 0, 0, 0}).masks, 0);
}

}  // namespace
}  // namespace vidattn
