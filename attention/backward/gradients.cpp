#include "attention/backward/gradients.h"

#include <string>

#include "attention/error.h"
#include "attention/inputs.h"

namespace vidattn {
namespace {

void refuse(const std::string& what, const std::string& why) {
  throw InputError("no backward pass through " + what + ": " + why);
}

void check_branch(const Plan& plan, const Branch& branch) {
  const auto& [q, k, v, q_from, k_from, v_from] = branch.prepared;
  if ((q && !q_from) || (k && !k_from) || (v && !v_from))
    refuse("branch '" + branch.name + "'",
           "it attends with prepared tensors that do not say which tokens they are means of");
  if (branch.value_slope && !branch.slope_from)
    refuse("the values' slope of branch '" + branch.name + "'",
           "the plan does not say which keys and values it is of");
  if (!branch.output_map.empty() &&
      (branch.joined ||
       (plan.branches.size() > 1 && &branch == &plan.branches[0] && plan.branches[1].joined)))
    refuse("branch '" + branch.name + "'", "it has an output map and shares its softmax");
}

}  // namespace

void start_gradients(const Plan& plan, const Inputs& in, Gradients& out) {
  out.q = Tensor(in.length(), in.heads(), in.dim());
  out.k = Tensor(in.keys(), in.kv_heads(), in.dim());
  out.v = Tensor(in.keys(), in.kv_heads(), in.value_dim());
  out.branches.clear();
  for (const Branch& branch : plan.branches) {
    BranchGradients& gradients = out.branches.emplace_back();
    if (branch.token_weight) gradients.token_weight.resize(branch.token_weight->size());
    if (branch.channel_weight) gradients.channel_weight.resize(branch.channel_weight->size());
    if (branch.key_bias) gradients.key_bias.resize(branch.key_bias->size());
  }
  out.linear.clear();
  for (const LinearTerm& term : plan.linear)
    out.linear.push_back(
        {std::vector<float>(term.projection.size()), std::vector<float>(term.bias.size())});
}

void check_backward(const Plan& plan, const Inputs& in, const Tensor& d_o) {
  if (d_o.dtype() != DType::f32 || d_o.length() != in.length() || d_o.heads() != in.heads() ||
      d_o.dim() != in.value_dim())
    throw InputError("the gradient of the output must be [" + std::to_string(in.length()) + "," +
                     std::to_string(in.heads()) + "," + std::to_string(in.value_dim()) +
                     "] in float32, not [" + std::to_string(d_o.length()) + "," +
                     std::to_string(d_o.heads()) + "," + std::to_string(d_o.dim()) + "] in " +
                     to_string(d_o.dtype()));
  if (in.low_bits)
    throw InputError("no backward pass in " + to_string(*in.low_bits) + ": take f32, bf16 or f16");
  for (const LinearTerm& term : plan.linear)
    if (term.map == FeatureMap::unknown)
      refuse("the linear term '" + term.name + "'",
             "its features do not say what they are made of");
  if (plan.constant_of_call)
    refuse("the constant", "it is made from this call's own queries, keys and values");
  for (const Branch& branch : plan.branches) check_branch(plan, branch);
}

}  // namespace vidattn
