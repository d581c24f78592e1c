#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace vidattn {

/// Tiles [begin, end) of one axis.
struct TileSpan {
  int64_t begin, end;
};

/// Tiles seen by tile `query` on an axis of `count` tiles: those within r = floor(window/2) of the
/// query clamped to [r, count-1-r], so that windows at the border are as wide as inner ones; all
/// tiles when 2r >= count (Sliding Tile Attention).
TileSpan tile_window_span(int64_t count, int64_t window, int64_t query);

/// [n,n] map of a tile grid: key tile visible from query tile iff on every axis
/// |clamp(query, r, n-1-r) - key| <= r with r = floor(window/2); if 2r >= n every tile of the axis.
std::vector<uint8_t> tile_window_map(const std::array<int64_t, 3>& counts,
                                     const std::array<int64_t, 3>& window);

}  // namespace vidattn
