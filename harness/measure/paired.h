#pragma once

#include <cstdint>
#include <string>

#include "harness/measure/case.h"
#include "harness/measure/engine/policy.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// A policy for two contenders, A and B, of which A is the control: blocks of A B B A, or B A A B
/// by a fair coin, without warm-up; at least 10, even when they take longer than `seconds`.
/// The coin makes the comparison of a thing with itself fair however the noise behaves: swapping
/// the sides changes the sign of a block's log ratio and nothing else, so each sign is a fair coin
/// too, whatever spikes, trends or correlation there are.
Policy paired_policy(double seconds, uint64_t seed, std::string label);

/// Times two checked cases in this process by this policy, both warmed up in turn before and in up
/// to 8 rounds a block when they are short. The blocks of the second contender are B's, with A's
/// time as dense_seconds. Every run's times go to the case's seconds, a
/// failure to its outcome. `slowdown` makes B slower by that share of its own measured time, by
/// waiting busily after every run: for testing that it is found.
Timings measure_pair(Case& a, Case& b, Policy policy, double slowdown = 0);

}  // namespace vidattn
