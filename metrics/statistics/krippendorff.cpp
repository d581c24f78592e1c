#include "metrics/statistics/krippendorff.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace vidattn {
namespace {

using Counts = std::map<double, double>;

Counts counts_of(const std::vector<double>& ratings) {
  Counts counts;
  for (const double rating : ratings) ++counts[rating];
  return counts;
}

/// Squared distance of two ratings, given how often each rating is there in all.
class Distance {
 public:
  Distance(const Counts& totals, RatingScale scale) : scale_(scale) {
    double below = 0;
    for (const auto& [rating, count] : totals) {
      middle_[rating] = below + count / 2;
      below += count;
    }
  }

  double operator()(double a, double b) const {
    if (a == b) return 0;
    if (scale_ == RatingScale::nominal) return 1;
    const double apart = scale_ == RatingScale::interval ? a - b : middle_.at(a) - middle_.at(b);
    return apart * apart;
  }

 private:
  RatingScale scale_;
  std::map<double, double> middle_;  ///< rank of the middle of a rating's ties
};

/// Sum over the pairs of different ratings, in both orders.
double pairs_apart(const Counts& counts, const Distance& distance) {
  double sum = 0;
  for (const auto& [a, n] : counts)
    for (const auto& [b, m] : counts) sum += n * m * distance(a, b);
  return sum;
}

}  // namespace

double krippendorff_alpha(const std::vector<std::vector<double>>& units, RatingScale scale) {
  std::vector<double> pairable;
  for (const std::vector<double>& unit : units)
    if (unit.size() > 1) pairable.insert(pairable.end(), unit.begin(), unit.end());
  const Counts totals = counts_of(pairable);
  const Distance distance(totals, scale);
  double observed = 0;
  for (const std::vector<double>& unit : units)
    if (unit.size() > 1)
      observed += pairs_apart(counts_of(unit), distance) / static_cast<double>(unit.size() - 1);
  const double expected = pairs_apart(totals, distance);
  if (expected == 0) return NAN;
  return 1 - static_cast<double>(pairable.size() - 1) * observed / expected;
}

}  // namespace vidattn
