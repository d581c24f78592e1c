#include "metrics/shots/clean_shots.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace vidattn {

std::vector<CleanShot> clean_shots(const std::vector<Boundary>& boundaries, int64_t frames) {
  std::vector<CleanShot> shots{{.last = frames - 1, .clean_last = frames - 1}};
  for (const Boundary& boundary : boundaries) {
    CleanShot& before = shots.back();
    before.clean_last = std::min(before.clean_last, std::min(boundary.first, boundary.frame) - 1);
    CleanShot after{.first = boundary.frame,
                    .last = frames - 1,
                    .clean_first = std::max(boundary.last + 1, boundary.frame),
                    .clean_last = frames - 1,
                    .begins_with = &boundary};
    if (boundary.frame == frames) break;  // a fade out at the end
    if (boundary.frame == 0) {            // a fade in at the start
      before = after;
      continue;
    }
    before.last = boundary.frame - 1;
    shots.push_back(after);
  }
  return shots;
}

void leave_out(CleanShot& shot, const std::vector<Boundary>& suppressed) {
  int64_t from = shot.clean_first, best_first = from, best_last = from - 1;
  const auto end_stretch = [&](int64_t last) {
    if (last - from > best_last - best_first)
      std::tie(best_first, best_last) = std::pair(from, last);
  };
  for (const Boundary& boundary : suppressed) {
    const int64_t before = std::min(boundary.first, boundary.frame) - 1;
    const int64_t behind = std::max(boundary.last + 1, boundary.frame);
    if (behind <= shot.clean_first || before >= shot.clean_last) continue;
    shot.suppressed.push_back(boundary);
    end_stretch(std::min(before, shot.clean_last));
    from = std::max(from, behind);
  }
  end_stretch(shot.clean_last);
  shot.clean_first = best_first;
  shot.clean_last = best_last;
}

}  // namespace vidattn
