#pragma once

#include <string>
#include <vector>

#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/shared_call.h"

namespace vidattn {

/// One backend on a call that the ranks share, beside one process on the same cores.
struct DistributedCase {
  std::string backend, device, dtype;
  std::vector<RankTimes> ranks;     ///< of the timed run whose total is the median
  std::vector<int64_t> expected;    ///< bytes_sent() in closed form, by rank
  std::vector<int64_t> peak_bytes;  ///< by rank: its inputs and the most that the call added
  double total = 0;                 ///< seconds of that run, the slowest rank's
  double alone = 0;                 ///< median seconds of one process, planning and attention
  bool same_bits = false;
  double error = 0, limit = 0;  ///< relative L2 of the shared output to that of one process
  std::string reason;           ///< why the result is not to be believed; empty = it passed

  double efficiency() const { return total > 0 ? alone / total : 0; }
};

/// Checks the case, then times it `repeat` times, turn by turn with one process. `whole` is every
/// rank's copy of the call, which all but the first give up. The figures are rank 0's; on the
/// others only what is needed there is filled. Throws what agree() throws where it cannot run.
DistributedCase run_case(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
                         const Device& device, DType dtype, Inputs whole, int repeat,
                         OwnCores& cores);

}  // namespace vidattn
