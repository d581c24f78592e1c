#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "harness/workload.h"

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

/// The options above as they reproduce the request; options that stay at their defaults of 0 or
/// nothing, and those that the workload does not read, are left out.
std::vector<std::string> workload_arguments(const WorkloadRequest& request);

/// Words as one line for a shell.
std::string shell_line(const std::vector<std::string>& words);

/// main()'s arguments as one would type them, wherever the program was.
std::string command_line(std::vector<std::string> arguments);

}  // namespace vidattn
