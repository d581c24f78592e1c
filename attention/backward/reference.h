#pragma once

#include "attention/backward/gradients.h"
#include "attention/inputs.h"

namespace vidattn {

/// Device::backward() in float64 and plain loops, rounded to float32 once. It computes the softmax
/// again and needs nothing that a run kept; tokens whose d_o is 0 cost nothing. Memory is
/// O(L·(D+DV)) a head; throws InputError (check_backward()).
void reference_backward(const Plan& plan, const Inputs& in, const Tensor& d_o, Gradients& out);

}  // namespace vidattn
