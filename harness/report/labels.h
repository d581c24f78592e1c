#pragma once

#include <string>
#include <vector>

#include "harness/store/run.h"

namespace vidattn {

/// Names for the cases of several runs, in their order: what a case is called in the page, the
/// figures and the tables.
struct CaseLabels {
  std::vector<std::string>
      labels;  ///< the setting in short, and what sets it apart from the others
  std::vector<int64_t> workload_index;   ///< in `workloads`; -1 = unknown
  std::vector<WorkloadFacts> workloads;  ///< the different ones
  std::vector<std::string> names;        ///< of the workloads
};

/// What each case's tensors are called, in the order of the cases.
std::vector<std::string> workload_names(const std::vector<StoredRun>& runs);

/// `workloads` are names as of workload_names(): the tensors of cases that differ in them are
/// different ones.
CaseLabels label_cases(const std::vector<StoredRun>& runs,
                       const std::vector<std::string>& workloads);

/// Workload, machine, date and revision of the runs in one line; of many different ones, how many.
std::string title_line(const std::vector<StoredRun>& runs,
                       const std::vector<std::string>& workloads);

}  // namespace vidattn
