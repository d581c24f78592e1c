#include "metrics/plan/groups/group_iou.h"

#include <algorithm>

namespace vidattn {
namespace {

/// Calls visit(first token of the frame, character, tokens of its mask) for every mask.
template <class Visit>
void each_mask(const VideoGrid& grid, const std::vector<uint8_t>& identity, const Visit& visit) {
  for (int64_t t = 0; t < grid.frames; ++t) {
    const auto begin = identity.begin() + t * grid.frame_size();
    const auto end = begin + grid.frame_size();
    const uint8_t last = *std::max_element(begin, end);
    for (int character = 1; character <= last; ++character)
      if (const auto size = std::count(begin, end, character); size > 0)
        visit(t * grid.frame_size(), character, static_cast<double>(size));
  }
}

}  // namespace

IouSum best_group_iou(const VideoGrid& grid, const std::vector<int32_t>& group, int64_t groups,
                      const std::vector<uint8_t>& identity) {
  IouSum result;
  each_mask(grid, identity, [&](int64_t first, int character, double size) {
    std::vector<double> common(groups), all(groups);
    for (int64_t i = first; i < first + grid.frame_size(); ++i) {
      if (group[i] < 0) continue;
      all[group[i]] += 1;
      if (identity[i] == character) common[group[i]] += 1;
    }
    double best = 0;
    for (int64_t m = 0; m < groups; ++m)
      best = std::max(best, common[m] / (size + all[m] - common[m]));
    result.sum += best;
    ++result.masks;
  });
  return result;
}

IouSum random_group_iou(const VideoGrid& grid, int64_t groups,
                        const std::vector<uint8_t>& identity) {
  IouSum result;
  each_mask(grid, identity, [&](int64_t, int, double size) {
    const double m = size / static_cast<double>(grid.frame_size());
    result.sum += m / (static_cast<double>(groups - 1) * m + 1);
    ++result.masks;
  });
  return result;
}

}  // namespace vidattn
