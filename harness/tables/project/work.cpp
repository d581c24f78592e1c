#include "harness/tables/project/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

std::string tile_text(TileShape shape) { return fmt::format("{}x{}", shape.queries, shape.keys); }

}  // namespace

const TileDensity& PlanWork::tiles_at(TileShape shape) const {
  const auto found = std::find_if(tiles.begin(), tiles.end(), [&](const TileDensity& density) {
    return density.shape.queries == shape.queries && density.shape.keys == shape.keys;
  });
  if (found == tiles.end()) throw std::logic_error("a tile that no plan is counted in");
  return *found;
}

TileShape parse_tile(const std::string& text) {
  std::vector<std::string> known;
  for (const TileShape shape : kTileShapes) {
    if (tile_text(shape) == text) return shape;
    known.push_back(tile_text(shape));
  }
  throw InputError("no tile " + in_quotes(text) + ": " + known_are(text, known));
}

double tile_flops(const TileDensity& tiles, const PlanStats& stats, const Inputs& in) {
  const double pairs = static_cast<double>(tiles.touched) *
                       static_cast<double>(tiles.shape.queries * tiles.shape.keys);
  const auto scores_alone = static_cast<double>(stats.scored_pairs - stats.pairs);
  return 2 * pairs * static_cast<double>(in.dim() + in.value_dim()) +
         2 * scores_alone * static_cast<double>(in.dim()) + stats.linear_flops;
}

PlanWork plan_work(const Plan& plan, const Inputs& in, TileShape tile) {
  PlanWork work;
  work.stats = plan_stats(plan, in);
  work.traffic = plan_traffic(plan, in);
  for (size_t i = 0; i < kTileShapes.size(); ++i)
    work.tiles[i] = tile_density(plan, in, kTileShapes[i]);
  work.kernel.flops = tile_flops(work.tiles_at(tile), work.stats, in);
  work.gather_bytes = work.traffic.gather_bytes(in, kProjectedBytes);
  work.kernel.bytes =
      static_cast<double>(work.traffic.bytes(in, kProjectedBytes) + work.stats.index_bytes);
  return work;
}

double row_share(int64_t dim, int64_t value_dim) {
  return static_cast<double>(dim + value_dim) / 256;
}

TimeFeatures time_features(double tile_flops, const PlanTraffic& traffic, const Inputs& in) {
  return {tile_flops,
          static_cast<double>(traffic.listed_rows) * row_share(in.dim(), in.value_dim()),
          static_cast<double>(traffic.launches)};
}

TimeFeatures time_features(const Plan& plan, const Inputs& in, TileShape tile) {
  const double flops = tile_flops(tile_density(plan, in, tile), plan_stats(plan, in), in);
  return time_features(flops, plan_traffic(plan, in), in);
}

TimeFeatures scaled_features(TimeFeatures features, const Inputs& in, int64_t heads, int64_t dim) {
  const double share = static_cast<double>(heads * 2 * dim) /
                       static_cast<double>(in.heads() * (in.dim() + in.value_dim()));
  features.tile_flops *= share;
  features.rows *= share;
  return features;
}

}  // namespace vidattn
