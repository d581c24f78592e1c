#pragma once

#include <string>
#include <vector>

#include "attention/dtype.h"
#include "harness/host/exit_code.h"
#include "harness/measure/record/pass.h"

namespace vidattn {

struct BenchOptions {
  std::string device = "cpu";
  Pass pass = Pass::forward;  ///< what is timed
  double seconds = 1;         ///< least time spent on each line
  bool quick = false;         ///< the short list only
  /// What the first of these and the others take of the same work, in the same blocks, in place of
  /// the table; at least two. Empty = the table.
  std::vector<DType> dtypes;
  std::string out;                     ///< JSON file; empty = none
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// Kernel speed over head dimension, length, storage type, threads and plan shape, on random
/// tensors. Each line is checked against the reference first and carries its share of the limit
/// that the units of this machine set (limits.h), measured beside it; gradients are checked too.
/// Returns the exit code: 1 when a check failed.
ExitCode bench(const BenchOptions& options);

}  // namespace vidattn
