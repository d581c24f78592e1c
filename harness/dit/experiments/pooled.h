#pragma once

#include <string>
#include <vector>

#include "metrics/statistics/paired_difference.h"

namespace vidattn {

/// Something that was measured of the same clips with several trainings: [seed][clip]. NaN where it
/// is undefined.
using SeedsByClips = std::vector<std::vector<double>>;

/// By clip, the mean over the seeds that have a value: what intervals and pairs are made of, for
/// clips are what differs most. The seeds are those that were trained, not a sample of all.
std::vector<double> clip_means(const SeedsByClips& values);
/// By seed, the mean over its clips.
std::vector<double> seed_means(const SeedsByClips& values);

/// "0.438 ±0.141", digits behind the point; "-" where there is nothing.
std::string with_interval(const MeanInterval& mean, int digits);

/// How far a pooled value is from another, paired by clip.
struct PooledDifference {
  MeanInterval difference;
  double adjusted_p = 1;  ///< Holm's, among those that are judged together
  bool significant() const { return adjusted_p < 0.05; }
};

/// Each of `others` less `baseline`, judged together.
std::vector<PooledDifference> pooled_differences(const SeedsByClips& baseline,
                                                 const std::vector<SeedsByClips>& others);

}  // namespace vidattn
