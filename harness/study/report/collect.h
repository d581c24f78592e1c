#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/study/rating.h"
#include "harness/study/study.h"

namespace vidattn {

/// One rater's ratings, by task.
struct RaterRatings {
  std::string rater;
  std::map<int64_t, Rating> ratings;
  int64_t checks = 0, failed = 0;  ///< attention checks answered, and answered otherwise than asked

  /// More than one in three. Without an answered check nothing can be said, and it is false.
  bool inattentive() const { return 3 * failed > checks; }
};

struct CollectedRatings {
  std::vector<RaterRatings> raters;  ///< those who rated anything, by their names
  int64_t joined = 0;                ///< who came to the server, whether or not they rated
  int64_t conflicts = 0;             ///< later ratings of a task that its rater had rated otherwise
};

/// All ratings of a study: its folder's ratings.jsonl, where it is there, and the files that raters
/// saved. A rating that is there twice counts once; of different ones the first stands. A last line
/// that a running server has not ended yet is left aside. Throws InputError for what is no rating
/// of this study, and where there is none at all.
CollectedRatings collect_ratings(const std::string& folder, const Study& study, const StudyKey& key,
                                 const std::vector<std::string>& files);

}  // namespace vidattn
