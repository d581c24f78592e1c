#include "harness/workloads/capture/tokens.h"

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

TEST(CaptureTokens, TheVideoComesFirst) {
  const TokenOrder order = order_tokens({.stored = 7, .prefix = 2, .video = 3, .attended = {}});
  EXPECT_EQ(order.places.places, (std::vector<int64_t>{3, 4, 0, 1, 2, 5, 6}));
  EXPECT_EQ(order.places.kept, 7);
  EXPECT_TRUE(order.changes);
}

TEST(CaptureTokens, PaddingIsLeftOut) {
  const TokenOrder order = order_tokens(
      {.stored = 6, .prefix = 2, .video = 2, .attended = {true, false, true, true, true, false}});
  EXPECT_EQ(order.places.places, (std::vector<int64_t>{2, -1, 0, 1, 3, -1}));
  EXPECT_EQ(order.places.kept, 4);
  EXPECT_EQ(order.record["padding"], 2);
}

TEST(CaptureTokens, NothingToDo) {
  EXPECT_FALSE(order_tokens({.stored = 4, .prefix = 0, .video = 3, .attended = {}}).changes);
  EXPECT_FALSE(
      order_tokens({.stored = 2, .prefix = 0, .video = 0, .attended = {true, true}}).changes);
}

TEST(CaptureTokens, RegionsThatDoNotFit) {
  expect_input_error([] { order_tokens({.stored = 4, .prefix = 2, .video = 3, .attended = {}}); },
                     "the grid has 3 tokens after 2 others, q has only 4");
  expect_input_error([] { order_tokens({.stored = 4, .prefix = 2, .video = 0, .attended = {}}); },
                     "need the video grid");
  expect_input_error(
      [] {
        order_tokens({.stored = 3, .prefix = 0, .video = 2, .attended = {true, false, true}});
      },
      "1 of the video's 2 tokens would be padding");
  expect_input_error(
      [] {
        order_tokens({.stored = 2, .prefix = 0, .video = 0, .attended = {false, false}});
      },
      "no token is valid");
}

}  // namespace
}  // namespace vidattn
