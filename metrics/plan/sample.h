#pragma once

#include "attention/plan.h"

namespace vidattn {

/// A plan thinned to a sample of its query blocks, to estimate the time of the whole.
struct SampledPlan {
  Plan plan;
  double scale = 1;             ///< pairs of the whole over pairs of the sample
  std::vector<int64_t> tokens;  ///< query rows that are left, of any branch and table, ascending
};

/// Blocks of up to 384 queries that `heads` heads have in the branch that has fewest.
int64_t fewest_query_blocks(const Plan& plan, int64_t heads);

/// Keeps blocks of up to 384 queries (the CPU kernel's largest block), the same share of large and
/// small ones in every table, so that about `share` of every branch's pairs remains; everything
/// when share is at least 1. Orders and prepared operands are shared with the plan, gates and maps
/// copied.
SampledPlan sample_plan(const Plan& plan, double share);

}  // namespace vidattn
