#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/case.h"

namespace vidattn {

/// Runs one side once and returns the seconds that each of its cases took.
using Slot = std::function<std::vector<double>()>;

/// Four slots next to each other in time, A B B A or B A A B: a drift of the clock that is linear
/// over the block weighs on both sides alike.
struct PairedBlock {
  bool a_first = true;
  std::array<double, 2> a = {}, b = {};  ///< seconds, in the order of time

  /// log(time of B / time of A) by geometric means.
  double log_ratio() const;
};

struct PairedOptions {
  double seconds = 10;      ///< budget; a block that has begun is finished
  int64_t min_blocks = 10;  ///< measured even when they take longer than the budget
  uint64_t seed = 1;        ///< of the order within the blocks
  std::string label;        ///< of the progress
};

/// Blocks of every case, [case][block]. Which side comes first is a fair coin for every block.
/// That makes the comparison of a thing with itself fair however the noise behaves: swapping the
/// sides changes the sign of a block's log ratio and nothing else, so each sign is a fair coin too,
/// whatever spikes, trends or correlation there are. An interrupt ends it after the block.
std::vector<std::vector<PairedBlock>> measure_paired(const Slot& a, const Slot& b,
                                                     const PairedOptions& options);

/// The same for two checked cases in this process. Both are warmed up in turn, and a slot repeats
/// a case until it takes 2 ms. Every run's times go to the case's plan_seconds and run_seconds.
/// `slowdown` makes B slower by that share of its own measured time, by waiting busily after every
/// run: for testing that it is found.
std::vector<PairedBlock> measure_pair(Case& a, Case& b, const PairedOptions& options,
                                      double slowdown = 0);

std::vector<double> log_ratios(const std::vector<PairedBlock>& blocks);

}  // namespace vidattn
