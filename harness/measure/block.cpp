#include "harness/measure/block.h"

#include <algorithm>
#include <cmath>

namespace vidattn {
namespace {

constexpr double kMildFence = 1.5, kSevereFence = 3;  // Tukey 1977

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

}  // namespace

std::vector<double> log_ratios(const std::vector<Block>& blocks) {
  std::vector<double> logs;
  for (const Block& b : blocks)
    if (b.ratio() > 0 && std::isfinite(b.ratio())) logs.push_back(std::log(b.ratio()));
  return logs;
}

void class_outliers(std::vector<Block>& blocks) {
  std::vector<double> sorted = log_ratios(blocks);
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end());
  const double low = quantile(sorted, 0.25), high = quantile(sorted, 0.75), range = high - low;
  for (Block& b : blocks) {
    if (!(b.ratio() > 0)) continue;
    const double outside = std::max(low - std::log(b.ratio()), std::log(b.ratio()) - high);
    b.outlier = outside > kSevereFence * range ? "severe"
                : outside > kMildFence * range ? "mild"
                                               : "";
  }
}

}  // namespace vidattn
