#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// A comparison of items a and b, numbered from 0: 1 = a was preferred, 0 = b, 0.5 = neither.
struct Comparison {
  int64_t rater = 0, prompt = 0;
  int64_t a = 0, b = 0;
  double outcome = 0.5;
};

/// Strengths by which a is preferred to b with probability 1/(1 + exp(b - a)) (Bradley & Terry
/// 1952), a tie counted as half a win of each. Natural logarithms, their mean 0.
struct BradleyTerry {
  std::vector<double> strength;
  std::vector<double> standard_error;  ///< of each strength against the mean
};

/// The most likely strengths, by minorization (Hunter 2004) to 1e-10. Standard errors are the
/// sandwich's with raters and prompts as clusters, the two added: what a rater or a prompt prefers
/// throughout is not taken for independent evidence. Empty where no finite strengths exist: the
/// items fall into two groups, one of which never won anything, not half, against the other
/// (Ford 1957).
BradleyTerry bradley_terry(const std::vector<Comparison>& comparisons, int64_t items);

}  // namespace vidattn
