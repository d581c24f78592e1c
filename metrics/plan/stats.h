#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// Work of one branch, counted on the plan that is executed.
struct BranchStats {
  std::string name;
  std::vector<int64_t> pairs;  ///< attended (query, key) pairs per head
  double density = 0;          ///< sum of pairs / (H L LK)
};

struct PlanStats {
  std::vector<BranchStats> branches;
  std::vector<double> density_per_head;  ///< all branches, pairs / (L LK); may exceed 1
  int64_t pairs = 0;                     ///< all heads and branches
  int64_t dense_pairs = 0;               ///< H L LK
  double density = 0;                    ///< pairs / dense_pairs
  double flops = 0;                      ///< 2·pairs·(D+DV): both products, 2 per multiply-add
  double planning_flops = 0;             ///< sum over the planning stages
  int64_t planning_bytes = 0;            ///< largest stage's scratch memory
  int64_t index_bytes = 0, prepared_bytes = 0;
};

/// Pairs that several branches attend count once per branch, because each computes them.
PlanStats plan_stats(const Plan& plan, const Inputs& in);

/// Union over the branches of the visible (query, key) pairs: [1,L,LK] when all heads share every
/// table, else [H,L,LK]; 1 = visible. L·LK bytes per head: for pictures and tests only.
Array plan_mask(const Plan& plan, const Inputs& in);

}  // namespace vidattn
