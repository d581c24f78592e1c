#pragma once

#include <string>

#include "harness/conform/attend.h"
#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

struct DistributedAttend {
  std::string layout;  ///< ulysses, ring, PxQ
  double patience = 10;
  AttendOptions call;  ///< without a block map, and whether it is cross-attention
};

/// One operator on files by the ranks that MPI started: each reads its own tokens' rows and no
/// others, and rank 0 writes results and gradients as they come. Throws InputError as attend()
/// does; also where MoGA's router would have to be made from the keys of all tokens.
ExitCode attend_distributed(const DistributedAttend& options);

/// The same on these ranks.
ExitCode attend_distributed(const DistributedAttend& options, Communicator& world);

}  // namespace vidattn
