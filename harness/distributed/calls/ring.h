#pragma once

#include "attention/device.h"
#include "harness/distributed/ranks/communicator.h"
#include "metrics/ranks/shares.h"

namespace vidattn {

/// Where the time of a ring went, seconds.
struct RingTimes {
  double parts = 0;      ///< making the plans of blocks of keys
  double attention = 0;  ///< the device's runs and their merging
  double hidden = 1;     ///< share of the exchanges' time that was over when the work was done
};

/// Attention of the own block of queries over all keys, whose blocks travel round the ring while
/// the block before is attended to. Results are merged by their LSE in float32.
/// `plan` is queries_of() this block; `own` has q, k and v of the own blocks; `blocks` are all
/// ranks' key rows. `out` is as Device::run() leaves it, but for bits: each rank begins with its
/// own keys; where `keep` is set, it has what ring_backward() needs. The plan is one that
/// check_ring() takes.
RingTimes ring_attend(Communicator& ring, const Plan& plan, const Inputs& own,
                      const std::vector<Share>& blocks, const Device& device, Output& out);

/// Throws InputError for operands of low bits, whose rounding looks at all keys of a call, and
/// where a branch prepared keys without values or values without keys.
void check_ring(const Plan& plan, const Inputs& own);

}  // namespace vidattn
