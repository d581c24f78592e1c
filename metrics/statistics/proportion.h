#pragma once

#include <cstdint>

namespace vidattn {

struct Proportion {
  double value, low, high;
};

/// A share of trials that succeeded with its 95% interval (Wilson 1927), which holds for few trials
/// and shares near 0 and 1, too. Throws InputError unless 0 <= successes <= trials and trials > 0.
Proportion wilson_interval(int64_t successes, int64_t trials);

}  // namespace vidattn
