#pragma once

#include <string>

namespace vidattn {

struct BenchOptions {
  std::string device = "cpu";
  double seconds = 1;  ///< least time spent on each line
  bool quick = false;  ///< the short list only
  std::string out;     ///< JSON file; empty = none
};

/// Kernel speed over head dimension, length, storage type, threads and plan shape, on random
/// tensors. Each line is checked against the reference first and carries its share of the limit
/// that was measured beside it: the smaller of the multiply-add peak and what memory bandwidth
/// would allow for q, k, v and o. Returns the exit code: 1 when a check failed.
int bench(const BenchOptions& options);

}  // namespace vidattn
