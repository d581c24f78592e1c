#include "baselines/tile_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace vidattn::tile_window_test {
namespace {

bool axis_sees(int64_t n, int64_t window, int64_t query, int64_t key) {
  const int64_t r = window / 2;
  return 2 * r >= n || std::abs(std::clamp(query, r, n - 1 - r) - key) <= r;
}

TEST(TileWindow, MapFollowsTheDefinitionOnEveryAxis) {
  const std::array<int64_t, 3> n{3, 4, 7};
  for (const std::array<int64_t, 3>& w :
       {std::array<int64_t, 3>{1, 2, 3}, {2, 1, 5}, {3, 4, 6}, {9, 3, 7}, {1, 1, 1}}) {
    const auto map = tile_window_map(n, w);
    ASSERT_EQ(map.size(), 84U * 84U);
    for (int64_t a = 0; a < 84; ++a)
      for (int64_t b = 0; b < 84; ++b)
        EXPECT_EQ(map[a * 84 + b], axis_sees(3, w[0], a / 28, b / 28) &&
                                       axis_sees(4, w[1], a / 7 % 4, b / 7 % 4) &&
                                       axis_sees(7, w[2], a % 7, b % 7));
  }
}

TEST(TileWindow, BorderWindowsAreAsWideAsInnerOnes) {
  for (int64_t query = 0; query < 10; ++query) {
    const TileSpan span = tile_window_span(10, 5, query);
    EXPECT_EQ(span.end - span.begin, 5);
    EXPECT_LE(span.begin, query);
    EXPECT_GT(span.end, query);
  }
  EXPECT_EQ(tile_window_span(10, 4, 0).end, 5);  // an even window covers one tile more
  EXPECT_EQ(tile_window_span(4, 4, 3).begin, 0);
}

}  // namespace
}  // namespace vidattn::tile_window_test
