#include "harness/dit/experiments/pooled.h"

#include <fmt/format.h>

#include <cmath>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

double mean_of_finite(const std::vector<double>& values) { return mean_interval(values).mean; }

}  // namespace

std::vector<double> clip_means(const SeedsByClips& values) {
  std::vector<double> means;
  for (size_t clip = 0; !values.empty() && clip < values.front().size(); ++clip) {
    std::vector<double> of_clip;
    for (const std::vector<double>& seed : values)
      if (clip < seed.size()) of_clip.push_back(seed[clip]);
    means.push_back(mean_of_finite(of_clip));
  }
  return means;
}

std::vector<double> seed_means(const SeedsByClips& values) {
  std::vector<double> means;
  for (const std::vector<double>& seed : values) means.push_back(mean_of_finite(seed));
  return means;
}

std::string with_interval(const MeanInterval& mean, int digits) {
  if (!std::isfinite(mean.mean)) return "-";
  if (!std::isfinite(mean.half_width)) return fmt::format("{:.{}f}", mean.mean, digits);
  return fmt::format("{:.{}f} ±{:.{}f}", mean.mean, digits, mean.half_width, digits);
}

std::vector<PooledDifference> pooled_differences(const SeedsByClips& baseline,
                                                 const std::vector<SeedsByClips>& others) {
  std::vector<PooledDifference> differences;
  std::vector<double> p;
  for (const SeedsByClips& other : others) {
    differences.push_back({paired_difference(clip_means(other), clip_means(baseline))});
    p.push_back(differences.back().difference.p);
  }
  p = holm(p);
  for (size_t i = 0; i < p.size(); ++i) differences[i].adjusted_p = p[i];
  return differences;
}

}  // namespace vidattn
