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
  double density = 0;          ///< as that of the plan
};

struct PlanStats {
  std::vector<BranchStats> branches;
  std::vector<double> density_per_head;  ///< all branches, as below; may exceed 1
  int64_t pairs = 0;                     ///< attended, all heads and branches: products with values
  /// Pairs whose scores are computed: more than `pairs` where a method looks at scores before it
  /// skips the values (Skip-Softmax).
  int64_t scored_pairs = 0;
  int64_t dense_pairs = 0;  ///< H L LK
  /// (scored_pairs·D + pairs·DV) / (dense_pairs·(D+DV)): of both products. Linear terms and slopes
  /// are no pairs and count in `flops` alone.
  double density = 0;
  double flops = 0;  ///< 2·(scored_pairs·D + pairs·DV) + linear_flops, 2 per multiply-add
  /// What running the plan executes: 2·pairs·(D + DV) + linear_flops. Scores of other pairs are
  /// computed while planning, and count in planning_flops, too.
  double run_flops = 0;
  /// Of the backward pass, 2·pairs·(3·D + 2·DV): the scores again, dP, dV, dK and dQ;
  /// and those of linear terms and slopes.
  double backward_flops = 0;
  double linear_flops = 0;     ///< linear terms and slopes of values
  double planning_flops = 0;   ///< sum over the planning stages
  int64_t planning_bytes = 0;  ///< largest stage's scratch memory
  int64_t index_bytes = 0, prepared_bytes = 0;
};

/// Pairs that several branches attend count once per branch, because each computes them.
PlanStats plan_stats(const Plan& plan, const Inputs& in);

/// Tokens that take the result of each query row of a branch, for its table `table`.
std::vector<std::vector<int32_t>> tokens_of_rows(const Branch& branch, size_t table,
                                                 const Inputs& in);

/// Union over the branches of the visible (query, key) pairs: [1,L,LK] when all heads share every
/// table, else [H,L,LK]; 1 = visible. L·LK bytes per head: for pictures and tests only.
Array plan_mask(const Plan& plan, const Inputs& in);

}  // namespace vidattn
