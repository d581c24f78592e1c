#include "metrics/plan/ideal_density.h"

namespace vidattn {

double moga_density(int64_t groups) { return 1 / static_cast<double>(groups); }

double frame_density(int64_t frames) { return 1 / static_cast<double>(frames); }

double stga_density(const WindowSetting& s) {
  const auto groups = static_cast<double>(s.temporal_groups);
  const double boundary = s.boundary_frames == 0 ? 0
                                                 : 2 * static_cast<double>(s.boundary_frames) *
                                                       (groups - 1) / static_cast<double>(s.frames);
  return (1 + boundary) / (static_cast<double>(s.windows) * groups);
}

double moga_stga_density(int64_t groups, const WindowSetting& s) {
  if (groups == 1) return 1;
  return moga_density(groups) + stga_density(s) + frame_density(s.frames);
}

}  // namespace vidattn
