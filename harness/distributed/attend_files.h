#pragma once

#include <map>
#include <string>
#include <vector>

#include "attention/dtype.h"
#include "attention/grid.h"
#include "harness/distributed/ranks/communicator.h"
#include "harness/host/exit_code.h"

namespace vidattn {

struct DistributedAttend {
  std::string layout;  ///< ulysses, ring, PxQ
  double patience = 10;
  std::string backend;
  std::vector<std::string> settings;          ///< key=value
  std::string q, k, v;                        ///< .npy, [L,H,D]
  std::map<std::string, std::string> inputs;  ///< further inputs by name
  VideoGrid grid;                             ///< frames = 0 when not given
  std::string device = "cpu";
  DType dtype = DType::f32;
  double scale = 0;        ///< softmax scale; 0 = 1/sqrt(D)
  std::string out, stats;  ///< files to write; `stats` may be empty
};

/// One operator on files by the ranks that MPI started: each reads its own tokens' rows and no
/// others, and rank 0 writes the output as it comes. Throws InputError as attend() does; also where
/// MoGA's router would have to be made from the keys of all tokens.
ExitCode attend_distributed(const DistributedAttend& options);

/// The same on these ranks.
ExitCode attend_distributed(const DistributedAttend& options, Communicator& world);

}  // namespace vidattn
