#pragma once

#include "attention/device.h"

namespace vidattn::cpu {

/// Device::backward() of the CPU device. Operands that are not float32 are converted first; the
/// gradients and all sums are float32. Threads take strands (units.h); all but the first of a key
/// head have copies of its gradients, which are added in the order of strands, so that a key head
/// has the same bits whatever the number of threads and of other heads.
void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
              Gradients& out);

}  // namespace vidattn::cpu
