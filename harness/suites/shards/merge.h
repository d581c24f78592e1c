#pragma once

#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/store/default_store.h"
#include "harness/store/run.h"

namespace vidattn {

struct MergeOptions {
  std::vector<std::string> stores;  ///< that are read
  std::string db = kDefaultStore;   ///< that gets their runs
  bool mixed_revisions = false;     ///< shards of one suite may be of several programs
  bool partial = false;             ///< shards may be missing, or unfinished
};

/// The runs of several stores as one would have them after a run on one machine: the shards of a
/// suite (shard.h) become one run of it for each machine and revision, with their cases in the
/// shards' order; its uid follows from theirs, so that merging again adds nothing. A shard that was
/// run twice begins a second run. Other runs stay as they are. No case is left out. Throws
/// InputError when shards of one suite, in one number and of one machine, are of several revisions,
/// unless `mixed_revisions`; and when one is missing or unfinished (then: in every revision),
/// unless `partial`. A run that has not all shards is unfinished.
std::vector<StoredRun> merge_runs(const std::vector<StoredRun>& runs, const MergeOptions& options);

/// `vidattn merge`: adds them to a store, and says what was added. Throws InputError, before
/// anything is written, for what merge_runs() refuses, a store that cannot be read, and one that is
/// both read and written.
ExitCode merge(const MergeOptions& options);

}  // namespace vidattn
