#pragma once

#include "attention/device.h"
#include "attention/vulkan/gpu.h"
#include "attention/vulkan/tuning/pace.h"

namespace vidattn::vulkan {

/// Device::backward() on an opened device. Weights, output maps and pooled operands are passed by
/// the host; scores are computed again on the device, once for the queries' gradients and once for
/// those of the keys and values, which are summed in float32 without atomics, always in the same
/// order. Each branch runs by itself, with as many heads at once as fit the memory.
///
/// Throws InputError before any work, with the sizes, when one head does not fit.
void backward(Gpu& gpu, Pace& pace, const Plan& plan, const Inputs& in, const Output& kept,
              const Tensor& d_o, Gradients& out);

}  // namespace vidattn::vulkan
