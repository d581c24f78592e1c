#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/host/random.h"
#include "harness/study/study.h"

namespace vidattn {

/// The numbers from 0 to n - 1, in any order equally likely.
std::vector<int64_t> drawn_order(int64_t n, Random& random);

struct DesignRequest {
  StudyKind kind = StudyKind::scale;
  int64_t prompts = 0;    ///< at least 1
  int64_t methods = 0;    ///< at least 1, of pairs 2
  int64_t per_rater = 0;  ///< prompts that a rater sees; 0 = all
  int64_t checks = 0;     ///< attention checks that a rater sees
};

struct DesignTask {
  int64_t prompt = 0;
  std::vector<int64_t> methods;  ///< one, or left and right
  std::optional<int64_t> check;  ///< the answer that is asked for
};

struct Design {
  std::vector<DesignTask> tasks;
  std::vector<std::vector<int64_t>> plans;
};

/// Who sees what in which order. Prompts follow each other by a balanced Latin square, and so do
/// the videos (or pairs) of each prompt; pairs have either video on the left by turns. Over all
/// plans that balance is exact, unless it would take more than 240 of them, over the first few
/// raters near. Which method a row of a prompt's square speaks of is drawn anew for each prompt,
/// and the tasks are numbered at random: neither order nor numbers show which videos are of one
/// method. Checks ask for answers by turns low and high, at places of every plan's own, never the
/// first.
Design design_study(const DesignRequest& request, Random& random);

}  // namespace vidattn
