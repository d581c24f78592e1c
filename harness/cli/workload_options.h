#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "harness/workloads/workload.h"

namespace vidattn {

/// The command-line options that describe a workload.
class WorkloadOptions {
 public:
  /// --workload --grid --shots --heads --dim --seed --peak
  void add_all(CLI::App& app);
  /// --grid and --shots alone
  void add_grid(CLI::App& app);
  /// The request as given; throws InputError for a grid that makes no sense.
  WorkloadRequest request() const;

 private:
  WorkloadRequest request_;
  std::vector<int64_t> grid_, shots_;
};

}  // namespace vidattn
