#include "metrics/statistics/paired_difference.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <numeric>

namespace vidattn {
namespace {

/// P(|T| < t) as the integral over the angle atan(t / sqrt(n)): of cos^(n-1), Simpson's rule.
double central_probability(double t, double degrees) {
  constexpr int kSteps = 400;
  const double end = std::atan(t / std::sqrt(degrees)), step = end / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i)
    sum += (i == 0 || i == kSteps ? 1 : i % 2 ? 4 : 2) * std::pow(std::cos(i * step), degrees - 1);
  const double log_beta =
      std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2) - std::log(std::numbers::pi) / 2;
  return 2 * std::exp(log_beta) * sum * step / 3;
}

}  // namespace

double student_t_975(double degrees) {
  double low = 1.9, high = 13;  // normal, and one degree of freedom (12.71)
  while (high - low > 1e-11) {
    const double middle = (low + high) / 2;
    (central_probability(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return low;
}

double student_t_p(double t, double degrees) {
  return std::max(0.0, 1 - central_probability(std::abs(t), degrees));
}

MeanInterval mean_interval(const std::vector<double>& values) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double value) { return std::isfinite(value); });
  MeanInterval result{static_cast<int64_t>(finite.size()), NAN, NAN};
  if (finite.empty()) return result;
  const auto count = static_cast<double>(finite.size());
  result.mean = std::accumulate(finite.begin(), finite.end(), 0.0) / count;
  if (result.count < 2) return result;
  double squares = 0;
  for (const double value : finite) squares += (value - result.mean) * (value - result.mean);
  const double error = std::sqrt(squares / (count - 1) / count);
  result.half_width = student_t_975(count - 1) * error;
  if (error > 0) result.p = student_t_p(result.mean / error, count - 1);
  if (error == 0 && result.mean != 0) result.p = 0;
  return result;
}

MeanInterval paired_difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences(std::min(a.size(), b.size()));
  for (size_t i = 0; i < differences.size(); ++i) differences[i] = a[i] - b[i];
  return mean_interval(differences);
}

}  // namespace vidattn
