#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/measure/case.h"

namespace vidattn {

/// Runs one side once and returns the seconds that each of its cases took.
using Side = std::function<std::vector<double>()>;

/// Runs of both sides next to each other in time, in rounds of A B B A, or all of them B A A B.
struct PairedBlock {
  bool a_first = true;
  double a = 0, b = 0;  ///< seconds: each side's fastest run, for other programs only ever add time

  double log_ratio() const;  ///< log(b / a)
};

struct PairedOptions {
  double seconds = 10;      ///< budget; a block that has begun is finished
  int64_t min_blocks = 10;  ///< measured even when they take longer than the budget
  int rounds = 1;           ///< of a block; each runs either side twice
  uint64_t seed = 1;        ///< of the order within the blocks
  std::string label;        ///< of the progress
};

/// Blocks of every case, [case][block]. Which side comes first is a fair coin for every block.
/// That makes the comparison of a thing with itself fair however the noise behaves: swapping the
/// sides changes the sign of a block's log ratio and nothing else, so each sign is a fair coin too,
/// whatever spikes, trends or correlation there are. An interrupt ends it without the block in
/// progress.
std::vector<std::vector<PairedBlock>> measure_paired(const Side& a, const Side& b,
                                                     const PairedOptions& options);

/// The same for two checked cases in this process, in up to 8 rounds a block when they are short.
/// Both are warmed up in turn before. Every run's times go to the case's plan_seconds and
/// run_seconds. `slowdown` makes B slower by that share of its own measured time, by waiting busily
/// after every run: for testing that it is found.
std::vector<PairedBlock> measure_pair(Case& a, Case& b, PairedOptions options, double slowdown = 0);

std::vector<double> log_ratios(const std::vector<PairedBlock>& blocks);

}  // namespace vidattn
