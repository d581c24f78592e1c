#pragma once

#include "attention/device.h"

namespace vidattn::cpu {

/// Device::backward() of the CPU device. Operands that are not float32 are converted first; the
/// gradients and all sums are float32. Threads share out consecutive work of about equal cost;
/// where two of them meet in a key head, the later has a copy of its gradients, which is added in
/// the end, so that a number of threads always gives the same bits.
void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
              Gradients& out);

}  // namespace vidattn::cpu
