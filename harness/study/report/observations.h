#pragma once

#include <cstdint>
#include <vector>

#include "harness/study/report/collect.h"
#include "harness/study/study.h"

namespace vidattn {

/// An answer to one question, with the methods that it is about. Of pairs `a` has the smaller
/// number, whichever stood left, and the value is 1 where a was preferred, -1 where b was, 0 where
/// neither.
struct Observation {
  int64_t rater = 0, prompt = 0;
  int64_t a = 0;
  int64_t b = -1;  ///< only of pairs
  double value = 0;
};

/// All answers to a question, attention checks and videos that did not play left out.
std::vector<Observation> observations_of(const Study& study, const StudyKey& key,
                                         const std::vector<RaterRatings>& raters, int64_t question);

}  // namespace vidattn
