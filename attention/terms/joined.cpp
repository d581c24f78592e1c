#include "attention/terms/joined.h"

#include <algorithm>
#include <cmath>

namespace vidattn {
namespace {

template <class T>
T log_of_sum(T a, T b) {
  const T high = std::max(a, b);
  return std::isinf(high) ? high : high + std::log(std::exp(a - high) + std::exp(b - high));
}

}  // namespace

float add_lse(float a, float b) { return log_of_sum(a, b); }
double add_lse(double a, double b) { return log_of_sum(a, b); }

JoinedBranches joined_with(const Plan& plan, size_t b) {
  size_t first = b, last = b + 1;
  while (plan.branches[first].joined) --first;
  while (last < plan.branches.size() && plan.branches[last].joined) ++last;
  return {first, last};
}

std::vector<float> joined_lse(const Plan& plan, const Output& out, size_t b) {
  const auto [first, last] = joined_with(plan, b);
  std::vector<float> all = out.lse[first];
  for (size_t i = first + 1; i < last; ++i)
    for (size_t at = 0; at < all.size(); ++at) all[at] = add_lse(all[at], out.lse[i][at]);
  return all;
}

}  // namespace vidattn
