#include "metrics/statistics/proportion.h"

#include <cmath>

#include "attention/error.h"

namespace vidattn {

Proportion wilson_interval(int64_t successes, int64_t trials) {
  if (trials <= 0 || successes < 0 || successes > trials)
    throw InputError("a share needs trials, and no more successes than those");
  constexpr double kZ = 1.959963984540054;
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n, z2 = kZ * kZ / n;
  const double centre = (p + z2 / 2) / (1 + z2);
  const double half = kZ / (1 + z2) * std::sqrt(p * (1 - p) / n + z2 / (4 * n));
  return {p, std::fmax(0, centre - half), std::fmin(1, centre + half)};
}

}  // namespace vidattn
