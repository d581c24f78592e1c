#pragma once

#include "harness/distributed/calls/ring_backward.h"
#include "metrics/plan/check/equality.h"

namespace vidattn {

/// check_gradients() of ring_backward() over all rows of the ring's ranks, the same verdict on
/// each: a key head's rows come together on one rank, which computes the reference of it, and as
/// many heads at a time are checked as there are ranks. `whole` is the plan of the own heads for
/// all queries, and the others are what ring_backward() has. Called by all ranks of the ring.
EqualityCheck check_ring_gradients(Communicator& ring, const Plan& whole, const Plan& part,
                                   const Inputs& own, const RingBlocks& blocks,
                                   const Device& device, const Output& kept, const Tensor& d_o);

}  // namespace vidattn
