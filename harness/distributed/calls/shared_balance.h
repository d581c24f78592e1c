#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attention/device.h"
#include "harness/conform/router_balance.h"
#include "harness/distributed/parts/shared_inputs.h"
#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

/// balance_loss() of a call whose tokens ranks share: `own` is the router on the own tokens, with
/// their scores given, and `group` where it put them. A rank sends the 8 M bytes of its groups'
/// counts, and its part of the value, to each other; the gradient of the own tokens' scores is
/// local, and has the bits of one process. The value is the same on all ranks. Called by all
/// together; a rank may have no token.
BalanceLoss shared_balance_loss(const LinearRouter& own, const std::vector<int32_t>& group,
                                BalanceForm form, double alpha, Communicator& world);

/// add_balance() of such a call: the loss, which is the same on all ranks, with its gradient added
/// to `gradients` of the own tokens (SharedGradients::inputs).
double add_shared_balance(const RouterBalance& balance, const BackendSpec& spec,
                          const SharedInputs& inputs, const Device& device, Communicator& world,
                          std::map<std::string, Array>& gradients);

}  // namespace vidattn
