#include "harness/distributed/calls/input_gradients.h"

#include <algorithm>
#include <utility>

namespace vidattn {
namespace {

using NamedArrays = std::map<std::string, Array>;

/// Of the inputs of the own tokens alone.
NamedArrays of_own_tokens(const BackendSpec& spec, const SharedInputs& inputs, const Plan& plan,
                          const Gradients& home, Communicator& world) {
  NamedArrays found = spec.backend->input_gradients(inputs.own, spec.params, plan, home);
  for (auto& [name, array] : found)
    if (!is_of_tokens(spec, name)) sum_over(world, std::get<std::vector<float>>(array.values));
  return found;
}

/// Of all tokens' inputs, cut to the own ones.
NamedArrays of_all_tokens(const BackendSpec& spec, const SharedInputs& inputs, const Plan& plan,
                          Gradients home, Communicator& world) {
  for (BranchGradients& branch : home.branches) {
    branch.token_weight = all_gather_values(world, branch.token_weight);
    branch.channel_weight = all_gather_values(world, branch.channel_weight);
  }
  for (LinearGradients& term : home.linear)
    for (std::vector<float>* values : {&term.projection, &term.bias}) sum_over(world, *values);
  Inputs whole = without_values(inputs.shape, inputs.own);
  whole.extra = gather_extras(inputs, spec.backend->info().inputs, world);
  NamedArrays found = spec.backend->input_gradients(whole, spec.params, plan, home);
  const int64_t own = inputs.own.length();
  int64_t begin = 0;
  const std::vector<int64_t> tokens = world.all_gather(own);
  for (int r = 0; r < world.rank(); ++r) begin += tokens[r];
  for (auto& [name, array] : found) {
    if (!is_of_tokens(spec, name)) continue;
    auto& values = std::get<std::vector<float>>(array.values);
    const int64_t row = std::ssize(values) / array.shape[0];
    values = {values.begin() + begin * row, values.begin() + (begin + own) * row};
    array.shape[0] = own;
  }
  return found;
}

}  // namespace

void sum_over(Communicator& world, std::vector<float>& values) {
  const std::vector<float> all = all_gather_values(world, values);
  std::fill(values.begin(), values.end(), 0.0F);
  for (size_t i = 0; i < all.size(); ++i) values[i % values.size()] += all[i];
}

bool is_of_tokens(const BackendSpec& spec, const std::string& name) {
  const auto& declared = spec.backend->info().inputs;
  return std::any_of(declared.begin(), declared.end(), [&](const InputSpec& input) {
    return input.name == name && input.of_tokens();
  });
}

NamedArrays shared_input_gradients(const BackendSpec& spec, const SharedInputs& inputs,
                                   const Plan& plan, Gradients home, Communicator& world) {
  if (inputs.own.grid.text_tokens > 0)
    return of_all_tokens(spec, inputs, plan, std::move(home), world);
  return of_own_tokens(spec, inputs, plan, home, world);
}

}  // namespace vidattn
