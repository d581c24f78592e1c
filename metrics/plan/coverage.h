#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// What a plan leaves out, in tokens: those that it leaves out in at least one head. A plan may
/// mean it, but must not do it unseen.
struct Coverage {
  int64_t uncovered = 0;         ///< in no query segment of any branch: the output is 0
  int64_t keyless = 0;           ///< in a query segment, but seeing no key in any branch
  int64_t unmentioned_text = 0;  ///< text tokens in no query segment and in no range of keys
  std::vector<int64_t> keyless_per_head = {};  ///< as `keyless`, of each query head

  bool complete() const { return uncovered == 0 && keyless == 0 && unmentioned_text == 0; }
  /// One line with what is not 0; empty = complete.
  std::string text() const;
};

/// In time that is linear in the plan's size. A constant term covers every token; pooled keys stand
/// for all.
Coverage plan_coverage(const Plan& plan, const Inputs& in);

}  // namespace vidattn
