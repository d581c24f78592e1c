#pragma once

#include <map>
#include <string>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// The backward pass of one call: gradients by q, k, v and the names of the inputs that the method
/// passes one to, in their shapes. `out` is from a run that kept its results. Throws what
/// Device::backward() throws.
std::map<std::string, Array> named_gradients(const BackendSpec& spec, const Device& device,
                                             const Plan& plan, const Inputs& in, const Output& out,
                                             const Tensor& d_o);

}  // namespace vidattn
