#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

namespace vidattn {

struct Timings;

/// In which order a block's rounds run the contenders.
enum class Interleaving {
  shuffled,  ///< every round in a random order of its own
  rotated,   ///< block n starts with contender n, then n + 1, …
  mirrored,  ///< a random order for every block, there and back in each round: of two contenders
             ///< A B B A or B A A B, by a fair coin
};

/// Rounds before the first block. They end after the least of both; or later, when every
/// contender's last times have settled or when rounds or seconds are used up.
struct WarmUpRule {
  int64_t least_rounds = 0, most_rounds = 0;
  double least_seconds = 0, most_seconds = INFINITY;
};

/// Of blocks, where only time or the interval ends the measurement.
constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

/// How contenders are timed. The defaults time one block of one round, without warm-up.
struct Policy {
  double seconds = INFINITY;  ///< budget of the blocks; a block that has begun is finished
  /// Stop when the 95% interval of every ratio to the control is within this share of it; 0 =
  /// never.
  double interval = 0;
  int64_t min_blocks = 1;  ///< measured even when they take longer than the budget
  int64_t max_blocks = 1;
  /// A block has as many rounds as take `block_seconds` by the warm-up's fastest, at most
  /// `most_rounds`. Without warm-up it has one.
  double block_seconds = 0;
  int64_t most_rounds = 1;
  Interleaving interleaving = Interleaving::shuffled;
  uint64_t seed = 1;              ///< of the order
  std::optional<size_t> control;  ///< contender that the others' blocks are paired with
  WarmUpRule warm_up;
  bool cold = false;  ///< evict the caches before every run; then none is repeated
  /// After an interrupt keep the times of those that finished in the block in progress: for callers
  /// that take medians of each contender, not ratios within a block.
  bool keep_unfinished = false;

  std::function<double()> peak;  ///< GFLOP/s, measured beside the blocks; empty = none
  double peak_age = 0.3;         ///< seconds after which it is measured again
  /// Runs about this many GFLOP of multiply-adds and returns their rate, 0 = none here; empty =
  /// none. They run once in each round, see Yardsticks.
  std::function<double(double gflop)> multiply_adds;

  std::string label;  ///< of the progress; empty = none is shown

  /// Called between two blocks with what was measured until then; empty = nobody asks.
  std::function<void(const Timings&)> after_block;

  std::function<double()> now;       ///< seconds; empty = the steady clock
  std::optional<double> least_span;  ///< seconds, see next_repeat(); empty = by the clock's step
};

}  // namespace vidattn
