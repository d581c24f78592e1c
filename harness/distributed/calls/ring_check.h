#pragma once

#include "harness/distributed/ranks/communicator.h"
#include "metrics/plan/check/equality.h"

namespace vidattn {

/// check_equality() of ring_attend()'s output for a sample of the own queries. The keys and values
/// of one key head after the other come together on every rank, so that none has those of two;
/// where heads share keys, their query heads are checked together. Called by all ranks of the ring;
/// the worst head counts.
EqualityCheck check_ring_equality(Communicator& ring, const Plan& plan, const Inputs& own,
                                  const Output& out);

}  // namespace vidattn
