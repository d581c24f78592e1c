#pragma once

#include <cstdint>
#include <vector>

#include "harness/cli/option.h"
#include "harness/workloads/request.h"

namespace vidattn {

/// The command-line options that describe a workload. The object must outlive their parsing.
class WorkloadOptions {
 public:
  /// --workload --grid --shots --scale --heads --dim --seed --peak
  std::vector<Option> all();
  /// --grid and --shots alone
  std::vector<Option> grid();
  /// --scale alone
  Option scale();
  /// The request as given; throws InputError for a grid that makes no sense.
  WorkloadRequest request() const;

 private:
  WorkloadRequest request_;
  std::vector<int64_t> grid_, shots_;
};

}  // namespace vidattn
