#pragma once

#include <cstdint>
#include <vector>

#include "harness/host/random.h"
#include "harness/measure/engine/policy.h"

namespace vidattn {

/// Makes the orders of all rounds of a measurement.
class RoundOrder {
 public:
  RoundOrder(Interleaving interleaving, size_t contenders, uint64_t seed);

  /// The orders of a block follow from the seed and its index alone, however many rounds the blocks
  /// before it had.
  void begin_block(int64_t index);
  /// Contenders of the block's next round; in a mirrored one each stands there twice.
  std::vector<size_t> next_round();
  /// Random place among the contenders, for what runs beside them once in a round.
  size_t place() { return static_cast<size_t>(random_.below(static_cast<int64_t>(count_))); }
  /// How often a round runs each contender.
  int64_t runs() const { return interleaving_ == Interleaving::mirrored ? 2 : 1; }

 private:
  const Interleaving interleaving_;
  const size_t count_;
  const uint64_t seed_;
  Random random_;
  std::vector<size_t> block_;  ///< order of the block, where its rounds share one
};

}  // namespace vidattn
