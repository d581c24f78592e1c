#pragma once

#include <string>

namespace vidattn {

/// Which of attention's passes are timed: the forward pass (planning and running), the backward
/// pass alone, or both, as a training step has them.
enum class Pass { forward, backward, both };

std::string to_string(Pass pass);
/// Throws InputError for anything but forward, backward and both.
Pass parse_pass(const std::string& name);

/// "plan + run", "the backward pass", "plan + run + the backward pass".
std::string timed_text(Pass pass);

constexpr bool times_forward(Pass pass) { return pass != Pass::backward; }
constexpr bool times_backward(Pass pass) { return pass != Pass::forward; }

}  // namespace vidattn
