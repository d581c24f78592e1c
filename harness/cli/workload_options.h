#pragma once

#include <cstdint>
#include <vector>

#include "harness/cli/option.h"
#include "harness/workloads/request.h"

namespace vidattn {

/// The command-line options that describe a workload. The object must outlive their parsing.
class WorkloadOptions {
 public:
  /// --workload --grid --shots --scale, those of synthesized tensors (--heads --dim --seed --peak)
  /// and those of captures (--layout --prefix --valid --batch-entry --layer --step --head-range)
  std::vector<Option> all();
  /// --grid and --shots alone
  std::vector<Option> grid();
  /// --scale alone
  Option scale();
  /// The request as given; throws InputError for a grid that makes no sense.
  WorkloadRequest request() const;

 private:
  std::vector<Option> capture();

  WorkloadRequest request_;
  bool heads_given_ = false;
  std::vector<int64_t> grid_, shots_;
};

}  // namespace vidattn
