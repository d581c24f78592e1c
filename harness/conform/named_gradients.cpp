#include "harness/conform/named_gradients.h"

namespace vidattn {

std::map<std::string, Array> named_gradients(const BackendSpec& spec, const Device& device,
                                             const Plan& plan, const Inputs& in, const Output& out,
                                             const Tensor& d_o) {
  Gradients gradients;
  device.backward(plan, in, out, d_o, gradients);
  std::map<std::string, Array> named =
      spec.backend->input_gradients(in, spec.params, plan, gradients);
  named["q"] = to_array(gradients.q);
  named["k"] = to_array(gradients.k);
  named["v"] = to_array(gradients.v);
  return named;
}

}  // namespace vidattn
