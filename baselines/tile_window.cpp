#include "baselines/tile_window.h"

#include <algorithm>

namespace vidattn {

TileSpan tile_window_span(int64_t count, int64_t window, int64_t query) {
  const int64_t radius = window / 2;
  if (2 * radius >= count) return {0, count};
  const int64_t centre = std::clamp(query, radius, count - 1 - radius);
  return {centre - radius, centre + radius + 1};
}

std::vector<uint8_t> tile_window_map(const std::array<int64_t, 3>& counts,
                                     const std::array<int64_t, 3>& window) {
  const int64_t tiles = counts[0] * counts[1] * counts[2];
  std::vector<uint8_t> map(tiles * tiles);
  for (int64_t a = 0; a < tiles; ++a) {
    const TileSpan t = tile_window_span(counts[0], window[0], a / counts[2] / counts[1]);
    const TileSpan y = tile_window_span(counts[1], window[1], a / counts[2] % counts[1]);
    const TileSpan x = tile_window_span(counts[2], window[2], a % counts[2]);
    for (int64_t i = t.begin; i < t.end; ++i)
      for (int64_t j = y.begin; j < y.end; ++j)
        std::fill_n(&map[a * tiles + (i * counts[1] + j) * counts[2] + x.begin], x.end - x.begin,
                    uint8_t{1});
  }
  return map;
}

}  // namespace vidattn
