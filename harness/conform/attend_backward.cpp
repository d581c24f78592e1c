#include "harness/conform/attend_backward.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/backward/magnitudes.h"
#include "attention/error.h"
#include "harness/conform/named_gradients.h"
#include "harness/io/npy.h"
#include "harness/io/stored_array.h"

namespace vidattn {

void check_gradient_options(const AttendOptions& options, const Device& device) {
  if (options.grad.empty()) {
    if (!options.gradients.empty())
      throw InputError("the gradient of " + options.gradients.begin()->first +
                       " needs that of the output: --grad FILE.npy");
    return;
  }
  if (options.gradients.empty())
    throw InputError(
        "--grad has no effect without a gradient to write: --dq, --dk, --dv, "
        "--drouter-logits or --dinput");
  if (!device.has_backward())
    throw InputError("device " + device.name() + " has no backward pass: use cpu or reference");
}

void check_wanted_gradients(const AttendOptions& options, const BackendSpec& spec,
                            const std::map<std::string, Array>& passed) {
  for (const auto& [name, path] : options.gradients)
    if (name != "q" && name != "k" && name != "v" && !passed.contains(name))
      throw InputError(fmt::format("{} passes no gradient to {} in this call", spec.text(), name));
  if (!options.balance) return;
  RouterBalance(*options.balance, spec);  // has it a router?
  if (std::none_of(options.gradients.begin(), options.gradients.end(),
                   [](const auto& wanted) { return is_of_router(wanted.first); }))
    throw InputError(
        "--balance has no effect without the gradient of an input of the router: "
        "--drouter-logits, or --dinput hidden=, router_weight= or router_bias=");
}

BackwardPass::BackwardPass(const AttendOptions& options, const BackendSpec& spec, const Plan& plan,
                           const Inputs& in, const Device& device)
    : options_(options), spec_(spec), plan_(plan), in_(in), device_(device) {
  check_gradient_options(options, device);
  if (!wanted()) return;
  d_o_ = read_npy_tensor(options.grad);
  require_finite(d_o_, options.grad);
  check_backward(plan, in, d_o_);
  require_representable_gradients(in, d_o_);
  Gradients none;
  start_gradients(plan, in, none);
  check_wanted_gradients(options, spec, spec.backend->input_gradients(in, spec.params, plan, none));
}

std::map<std::string, Array> BackwardPass::run(const Output& out) {
  if (!wanted()) return {};
  std::map<std::string, Array> found = named_gradients(spec_, device_, plan_, in_, out, d_o_);
  if (options_.balance) {
    balance_.emplace(*options_.balance, spec_);
    balance_->value = add_balance(*balance_, spec_, in_, found);
  }
  for (const auto& [name, path] : options_.gradients)
    require_finite(found.at(name), "the gradient of " + name);
  return found;
}

}  // namespace vidattn
