#include "metrics/paired_difference.h"

#include <cmath>
#include <numbers>

namespace vidattn {
namespace {

/// P(|T| < t) as the integral over the angle atan(t / sqrt(n)): of cos^(n-1), Simpson's rule.
double central_probability(double t, double degrees) {
  constexpr int kSteps = 2000;
  const double end = std::atan(t / std::sqrt(degrees)), step = end / kSteps;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i)
    sum += (i == 0 || i == kSteps ? 1 : i % 2 ? 4 : 2) * std::pow(std::cos(i * step), degrees - 1);
  const double log_beta =
      std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2) - std::log(std::numbers::pi) / 2;
  return 2 * std::exp(log_beta) * sum * step / 3;
}

}  // namespace

double student_t_975(int64_t degrees) {
  double low = 1.9, high = 13;  // normal, and one degree of freedom (12.71)
  while (high - low > 1e-9) {
    const double middle = (low + high) / 2;
    (central_probability(middle, static_cast<double>(degrees)) < 0.95 ? low : high) = middle;
  }
  return low;
}

PairedDifference paired_difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (std::isfinite(a[i]) && std::isfinite(b[i])) differences.push_back(a[i] - b[i]);
  PairedDifference result{static_cast<int64_t>(differences.size()), NAN, NAN};
  if (differences.empty()) return result;
  const auto count = static_cast<double>(differences.size());
  result.mean = 0;
  for (const double d : differences) result.mean += d / count;
  if (result.pairs < 2) return result;
  double squares = 0;
  for (const double d : differences) squares += (d - result.mean) * (d - result.mean);
  result.half_width = student_t_975(result.pairs - 1) * std::sqrt(squares / (count - 1) / count);
  return result;
}

}  // namespace vidattn
