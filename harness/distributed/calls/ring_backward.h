#pragma once

#include "attention/device.h"
#include "harness/distributed/calls/ring.h"

namespace vidattn {

/// Who has which query tokens and which keys of a ring, by rank of the ring.
struct RingBlocks {
  std::vector<Share> queries, keys;
};

/// Device::backward() of ring_attend(): keys and values travel round again, each rank computes what
/// its own queries give them from the LSE and results of all keys that `kept` has, and sends it to
/// their owner. `plan` and `own` as for ring_attend(); d_o [own,H,DV] float32. `out` gets the
/// gradients of the own queries and keys, those of weights for the own queries, no key biases', and
/// of linear terms the part that the own queries have in the sum. The plan is one that
/// check_ring_backward() takes.
RingTimes ring_backward(Communicator& ring, const Plan& plan, const Inputs& own,
                        const RingBlocks& blocks, const Device& device, const Output& kept,
                        const Tensor& d_o, Gradients& out);

/// Throws InputError for slopes of values, whose gradients look at all keys, and for a device whose
/// backward pass is of whole calls alone.
void check_ring_backward(const Plan& plan, const Device& device);

}  // namespace vidattn
