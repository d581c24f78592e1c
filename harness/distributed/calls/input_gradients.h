#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/distributed/parts/shared_inputs.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// Whether an input that the method declares has a first axis of tokens.
bool is_of_tokens(const BackendSpec& spec, const std::string& name);

/// The sum over the ranks, in their order, on all of them.
void sum_over(Communicator& world, std::vector<float>& values);

/// Backend::input_gradients() of a call that ranks share. `home` are the gradients of the weights
/// of the own tokens, for all heads, and of linear terms this rank's part of the sum. Of inputs
/// with a first axis of tokens the own rows; of others (a router's layer, SLA's projection) the sum
/// of all ranks' parts, on every rank. With text tokens, weights and inputs of all tokens are
/// gathered.
std::map<std::string, Array> shared_input_gradients(const BackendSpec& spec,
                                                    const SharedInputs& inputs, const Plan& plan,
                                                    Gradients home, Communicator& world);

}  // namespace vidattn
