#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/study/report/collect.h"
#include "harness/study/study.h"
#include "metrics/statistics/bradley_terry.h"
#include "metrics/statistics/crossed_mean.h"

namespace vidattn {

/// A method's mean in one question: of ratings 1 to 10, or of the share of pairs that it won, a tie
/// half.
struct MethodMean {
  int64_t question = 0, method = 0;
  CrossedMean kept;  ///< without the inattentive raters; its interval ends where the scale does
  double of_all = 0;
};

/// How much better a is rated than b, by the same rater of the same prompt; of pairs from -1 (b
/// always preferred) to 1.
struct MethodDifference {
  int64_t question = 0, a = 0, b = 0;
  CrossedMean mean;
  double adjusted_p = 1;  ///< Holm's, among all differences of the study
  CrossedVariance variance;
};

/// Krippendorff's alpha, over the videos (of pairs over the pairs).
struct Agreement {
  int64_t question = 0;
  double ordinal = 0, interval = 0;
};

/// What a study of this size would find: the smallest true difference that is found with 80% power
/// after Holm's first step, for the two methods whose difference varies most; NaN where none
/// varies.
struct PowerRow {
  int64_t question = 0;
  int64_t raters = 0, prompts = 0;
  double detectable = 0;
};

struct StudyAnalysis {
  int64_t kept = 0, inattentive = 0, unjudged = 0;  ///< raters; the unjudged answered no check
  int64_t unfinished = 0;                           ///< kept ones with tasks left
  int64_t ratings = 0;                              ///< answers of the kept, checks aside
  int64_t unplayable = 0;        ///< times that a video did not play, for any rater, checks aside
  int64_t unplayable_shown = 0;  ///< different videos, or pairs, whose one or other it was
  std::vector<MethodMean> means;
  std::vector<MethodDifference> differences;
  std::vector<Agreement> agreement;
  std::vector<BradleyTerry> strengths;  ///< by question; empty but for pairs
  std::vector<PowerRow> power;
};

StudyAnalysis analyse_study(const Study& study, const StudyKey& key,
                            const CollectedRatings& ratings);

}  // namespace vidattn
