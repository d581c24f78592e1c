#pragma once

#include <vector>

namespace vidattn {

/// How far two ratings are apart: not at all or fully, by the ratings that lie between them, or by
/// the square of their difference.
enum class RatingScale { nominal, ordinal, interval };

/// Krippendorff's alpha, the agreement of raters beyond chance: 1 = they agree, 0 = as if drawn by
/// lot, below 0 = they disagree systematically. `units` holds the ratings of every unit (video), by
/// however many raters; units with fewer than two say nothing. After Krippendorff, "Computing
/// Krippendorff's Alpha-Reliability" (2011). NaN where fewer than two ratings can be paired, or all
/// are the same.
double krippendorff_alpha(const std::vector<std::vector<double>>& units, RatingScale scale);

}  // namespace vidattn
