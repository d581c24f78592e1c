#pragma once

#include <array>
#include <cstdint>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// Queries by keys of the tiles that a kernel on matrix units works in.
struct TileShape {
  int64_t queries, keys;
};

/// What tiled kernels of today use.
inline constexpr std::array<TileShape, 3> kTileShapes = {{{64, 64}, {128, 64}, {128, 128}}};

struct TileDensity {
  int64_t touched = 0;  ///< tiles with a pair that is attended, all heads and branches
  int64_t all = 0;      ///< tiles of full attention, H · ceil(L/queries) · ceil(LK/keys)
  int64_t pairs = 0;    ///< that are attended, in the touched tiles
  TileShape shape = {};

  /// Of the work of full attention in the same tiles; may exceed 1 with several branches, or where
  /// orders repeat queries.
  double density() const { return static_cast<double>(touched) / static_cast<double>(all); }
  /// Of the pairs that the touched tiles compute, ragged ends included; NaN where there is none.
  double useful() const {
    return static_cast<double>(pairs) /
           (static_cast<double>(touched) * static_cast<double>(shape.queries * shape.keys));
  }
};

/// Tiles of `shape` that a plan touches, cut from position 0 of every table's query order and key
/// order, or of the key rows where an order has more entries than there are keys (a list for each
/// query): what a tiled kernel executes of the plan, whatever the segments. The last tile of an
/// axis may be short, and counts whole. Exact; its time is that of the segments and ranges, and of
/// the touched tiles.
TileDensity tile_density(const Plan& plan, const Inputs& in, TileShape shape);
/// The same tiles of one table, whose keys are `key_rows` rows.
int64_t touched_tiles(const HeadTable& table, int64_t key_rows, TileShape shape);

}  // namespace vidattn
