#pragma once

#include <cstdint>

namespace vidattn {

/// Mean time between two readings of the steady clock that differ, in seconds: what a reading
/// costs, or how coarse the clock is, whichever is more. Measured once.
double clock_step();

/// A contender's time takes at least this many steps: the readings around its planning and its
/// running are then at most 0.2% of it.
constexpr double kLeastSteps = 1000;

/// How often in a row something is to be run that took `each` seconds when it was run `repeat`
/// times: `repeat` when that filled `least_span`, else more, at most 10 times as many (what is near
/// the clock's step is hardly known) and 1,000,000. One and a half spans are aimed at, so that the
/// figure hardly ever changes later.
int64_t next_repeat(int64_t repeat, double each, double least_span);

}  // namespace vidattn
