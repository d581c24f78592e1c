#pragma once

#include <vector>

#include "harness/workloads/request.h"
#include "harness/workloads/selection/number_list.h"

namespace vidattn {

/// Which calls of a capture are meant, where they may be several. Single numbers stand in the
/// request's own options.
struct CallSelection {
  NumberList layers, steps, batch_entries;
};

/// The calls that are meant, each as a request of its own.
struct ChosenCalls {
  std::vector<WorkloadRequest> requests;
  std::vector<Unreadable> unreadable;  ///< files in which calls may be
};

/// The calls of a capture that a request and a selection mean, in the order of their files; the
/// entries of a batch are calls of their own. Each is named by its layer and step, or by its file
/// where they do not tell it from the others. A capture of one call, and any other workload, is the
/// request itself; of a kind of several steps all of them are meant unless one is given. Throws
/// InputError for numbers that no call has, when nothing can be read, and for a selection of what
/// is no capture.
ChosenCalls choose_calls(const WorkloadRequest& request, const CallSelection& selection);

}  // namespace vidattn
