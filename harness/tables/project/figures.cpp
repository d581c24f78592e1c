#include "harness/tables/project/figures.h"

namespace vidattn {
namespace {

double as_double(int64_t value) { return static_cast<double>(value); }

}  // namespace

const std::vector<Figure>& counted_figures() {
  using W = const PlanWork&;
  using T = TileShape;
  constexpr double kGiga = 1e-9, kMebi = 1.0 / (1 << 20), kPercent = 100;
  static const std::vector<Figure> figures = {
      {"density", "density", "1", 1, [](W w, T) { return w.stats.density; }},
      {"tile_density_64x64", "tiles 64x64", "1", 1, [](W w, T) { return w.tiles[0].density(); }},
      {"tile_density_128x64", "128x64", "1", 1, [](W w, T) { return w.tiles[1].density(); }},
      {"tile_density_128x128", "128x128", "1", 1, [](W w, T) { return w.tiles[2].density(); }},
      {"tile_useful", "useful %", "1", kPercent, [](W w, T t) { return w.tiles_at(t).useful(); }},
      {"tile_flops", "tile GFLOP", "flop", kGiga, [](W w, T) { return w.kernel.flops; }},
      {"bytes", "MiB moved", "byte", kMebi, [](W w, T) { return w.kernel.bytes; }},
      {"gather_bytes", "MiB gathered", "byte", kMebi,
       [](W w, T) { return as_double(w.gather_bytes); }},
      {"index_bytes", "MiB of index", "byte", kMebi,
       [](W w, T) { return as_double(w.stats.index_bytes); }},
      {"planning_flops", "planning GFLOP", "flop", kGiga,
       [](W w, T) { return w.stats.planning_flops; }},
      {"launches", "kernels", "1", 1, [](W w, T) { return as_double(w.traffic.launches); }},
  };
  return figures;
}

const std::vector<PredictedFigure>& predicted_figures() {
  using D = const DeviceProjection&;
  static const std::vector<PredictedFigure> figures = {
      {"at_best", "s", [](D d) { return d.best.seconds(); }},
      {"compute_at_best", "s", [](D d) { return d.best.compute_seconds; }},
      {"memory_at_best", "s", [](D d) { return d.best.memory_seconds; }},
      {"share_of_dense_at_best", "1", [](D d) { return d.share_of_dense; }},
      {"speedup_at_best", "1", [](D d) { return 1 / d.share_of_dense; }},
      {"fitted", "s", [](D d) { return d.predicted_seconds; }},
      {"fitted_speedup", "1", [](D d) { return d.predicted_speedup; }},
  };
  return figures;
}

}  // namespace vidattn
