#include "metrics/plan/cross_shot_mass.h"

#include <algorithm>
#include <cmath>

namespace vidattn {
namespace {

Plan within_shots(const VideoGrid& grid) {
  HeadTable table;
  for (size_t s = 0; s < grid.shots.size(); ++s) {
    const int64_t end = s + 1 < grid.shots.size() ? grid.shots[s + 1] : grid.frames;
    const auto first = static_cast<int32_t>(grid.shots[s] * grid.frame_size());
    const auto last = static_cast<int32_t>(end * grid.frame_size());
    table.add(first, last, {{first, last}});
  }
  Plan plan;
  plan.branches.push_back({.name = "shots", .tables = {std::move(table)}});
  return plan;
}

}  // namespace

std::vector<float> cross_shot_mass(const Inputs& in, const std::vector<float>& full_lse,
                                   const Device& device) {
  in.need_grid("the mass on other shots");
  Output out;
  device.run(within_shots(in.grid), in, out);
  std::vector<float> mass(full_lse.size());
  for (size_t i = 0; i < mass.size(); ++i)
    mass[i] = std::max(0.0F, 1 - std::exp(out.lse[0][i] - full_lse[i]));
  return mass;
}

}  // namespace vidattn
