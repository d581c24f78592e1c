#pragma once

#include <cstdint>
#include <vector>

#include "attention/methods/balance.h"
#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

/// balance_loss() of a call whose tokens ranks share: `own` is the router on the own tokens, with
/// their scores given, and `group` where it put them. A rank sends the 8 M bytes of its groups'
/// counts, and its part of the value, to each other; the gradient of the own tokens' scores is
/// local, and has the bits of one process. The value is the same on all ranks. Called by all
/// together; a rank may have no token.
BalanceLoss shared_balance_loss(const LinearRouter& own, const std::vector<int32_t>& group,
                                BalanceForm form, double alpha, Communicator& world);

}  // namespace vidattn
