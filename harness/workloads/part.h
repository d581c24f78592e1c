#pragma once

#include <functional>
#include <utility>

#include "harness/workloads/workload.h"

namespace vidattn {

/// Which tokens [begin, end) of so many are wanted; empty = all.
using RowsOf = std::function<std::pair<int64_t, int64_t>(int64_t tokens)>;

/// A workload with some of its tokens: q, keys with values, and inputs with a first axis of tokens
/// have the wanted rows; the grid is that of all.
struct WorkloadPart {
  Workload workload;
  int64_t length = 0, keys = 0;  ///< of all
};

/// make_workload() of the wanted tokens alone, bit for bit: captures are read and films projected
/// by rows, so that no tensor of the call is made whole. (The features of a film or video, 128
/// numbers a token, and one head's keys at a time are.) Kinds that cannot are made whole and cut.
/// Throws what make_workload() throws.
WorkloadPart make_workload_part(const WorkloadRequest& request, const RowsOf& rows);

/// The same of a workload that was made whole.
WorkloadPart rows_of_workload(Workload whole, const RowsOf& rows);

}  // namespace vidattn
