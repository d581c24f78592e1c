#pragma once

#include <cstdint>
#include <vector>

#include "harness/measure/engine/timings.h"

namespace vidattn {

/// The block in progress: what every contender did in its rounds.
class BlockDraft {
 public:
  explicit BlockDraft(size_t contenders) : runs_(contenders), positions_(contenders, -1) {}

  /// A contender's place in the first round counts.
  void note_place(size_t contender, int64_t place);
  void add(size_t contender, std::vector<RunTimes> cases);

  /// Adds the block, numbered `index`, to the times of every contender that ran `runs` times, each
  /// case's by its fastest run: other programs only ever add time.
  void keep(int64_t index, double peak_flops, size_t runs, std::vector<ContenderTimes>& all) const;

 private:
  std::vector<std::vector<std::vector<RunTimes>>> runs_;  ///< [contender][run][case]
  std::vector<int64_t> positions_;
};

/// Sets the dense control's part of the blocks `index`: case c of every contender is paired with
/// case c of the control, where both have that block.
void pair_with_control(int64_t index, size_t control, std::vector<ContenderTimes>& all);

}  // namespace vidattn
