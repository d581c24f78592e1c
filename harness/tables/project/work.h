#pragma once

#include <array>
#include <string>

#include "metrics/model/roofline.h"
#include "metrics/model/time_fit.h"
#include "metrics/plan/kernel/traffic.h"
#include "metrics/plan/stats.h"
#include "metrics/plan/tile_density.h"

namespace vidattn {

/// What a tiled kernel in 16 bits would do for a plan, all heads of the call.
struct PlanWork {
  PlanStats stats;
  std::array<TileDensity, kTileShapes.size()> tiles = {};
  PlanTraffic traffic;
  KernelWork kernel;         ///< at the chosen tile
  int64_t gather_bytes = 0;  ///< of kernel.bytes

  /// At one of kTileShapes.
  const TileDensity& tiles_at(TileShape shape) const;
};

/// Bytes of an element that plans are projected with.
inline constexpr int64_t kProjectedBytes = 2;

/// Of the shapes that kernels use, "128x64". Throws InputError naming them for another one.
TileShape parse_tile(const std::string& text);

/// FLOPs of the touched tiles, 2·(D+DV) for each of their pairs; of scores that are looked at
/// beyond them; and of linear terms.
double tile_flops(const TileDensity& tiles, const PlanStats& stats, const Inputs& in);

/// The tile is one of kTileShapes.
PlanWork plan_work(const Plan& plan, const Inputs& in, TileShape tile);

/// Work of a row of D and DV channels, in rows of 128 channels.
double row_share(int64_t dim, int64_t value_dim);

/// Of FLOPs of tiles, and what a plan lists and launches.
TimeFeatures time_features(double tile_flops, const PlanTraffic& traffic, const Inputs& in);
TimeFeatures time_features(const Plan& plan, const Inputs& in, TileShape tile);

/// The same for `heads` heads of `dim` channels that are all planned as those of `in`.
TimeFeatures scaled_features(TimeFeatures features, const Inputs& in, int64_t heads, int64_t dim);

}  // namespace vidattn
