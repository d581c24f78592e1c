#include "harness/measure/engine/block_draft.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vidattn {
namespace {

RunTimes fastest(const std::vector<std::vector<RunTimes>>& runs, size_t c) {
  RunTimes best = runs.front()[c];
  for (const auto& run : runs)
    if (run[c].seconds() < best.seconds() || std::isnan(best.seconds())) best = run[c];
  return best;
}

}  // namespace

void BlockDraft::note_place(size_t contender, int64_t place) {
  if (positions_[contender] < 0) positions_[contender] = place;
}

void BlockDraft::add(size_t contender, std::vector<RunTimes> cases) {
  runs_[contender].push_back(std::move(cases));
}

void BlockDraft::keep(int64_t index, double peak_flops, size_t runs,
                      std::vector<ContenderTimes>& all) const {
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i].size() != runs) continue;
    auto& cases = all[i].cases;
    cases.resize(runs_[i].front().size());
    for (size_t c = 0; c < cases.size(); ++c) {
      const RunTimes best = fastest(runs_[i], c);
      Block block{index, best.plan, best.run, NAN, peak_flops, positions_[i]};
      block.cpu_seconds = best.cpu;
      block.backward_seconds = best.backward;
      cases[c].blocks.push_back(std::move(block));
      for (const auto& run : runs_[i]) cases[c].runs.push_back(run[c]);
    }
  }
}

void pair_with_control(int64_t index, size_t control, std::vector<ContenderTimes>& all) {
  const auto& beside = all[control].cases;
  for (ContenderTimes& contender : all)
    for (size_t c = 0; c < std::min(contender.cases.size(), beside.size()); ++c) {
      Block& block = contender.cases[c].blocks.back();
      const Block& dense = beside[c].blocks.back();
      if (block.index != index || dense.index != index) continue;
      block.dense_seconds = dense.seconds();
      block.dense_position = dense.position;
    }
}

}  // namespace vidattn
