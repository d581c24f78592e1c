#include "metrics/shots/boundary.h"

namespace vidattn {

std::string transition_name(Transition kind) {
  if (kind == Transition::cut) return "cut";
  if (kind == Transition::wipe) return "wipe";
  return kind == Transition::gradual ? "gradual" : "fade";
}

std::vector<int64_t> shot_starts(const std::vector<Boundary>& boundaries, int64_t frames) {
  std::vector<int64_t> starts = {0};
  for (const Boundary& boundary : boundaries)
    if (boundary.frame > 0 && boundary.frame < frames) starts.push_back(boundary.frame);
  return starts;
}

}  // namespace vidattn
