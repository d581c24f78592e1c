#pragma once

#include <cstdint>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// What a plan moves when each branch is one kernel that reads each row of q, k and v that it needs
/// once and writes each row of its result once, all heads together; k and v per head of theirs.
/// Rows are of D channels (q, k) or DV (v, o).
struct PlanTraffic {
  int64_t query_rows = 0;  ///< of q, in segments that see keys
  int64_t key_rows = 0;    ///< of k, and as many of v: distinct rows in some range of keys
  int64_t output_rows = 0;
  /// Of these the rows whose place is looked up in a list: q and o under a query order, k and v
  /// under a key order, o under an output map.
  int64_t gathered_query_rows = 0, gathered_key_rows = 0, gathered_output_rows = 0;
  /// Query rows of branches that go through any list: an order, or more than one segment or range.
  /// Full attention has none. Per-token work of sparse kernels grows with them.
  int64_t listed_rows = 0;
  int64_t launches = 0;  ///< branches and linear terms: kernels, if each is one

  /// Bytes at `size` bytes an element.
  int64_t bytes(const Inputs& in, int64_t size) const;
  int64_t gather_bytes(const Inputs& in, int64_t size) const;
};

/// In time and memory that are linear in the plan's size and the tokens.
PlanTraffic plan_traffic(const Plan& plan, const Inputs& in);

}  // namespace vidattn
