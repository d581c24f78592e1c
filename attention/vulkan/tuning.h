#pragma once

#include <vector>

#include "attention/dtype.h"
#include "attention/vulkan/pace.h"

namespace vidattn::vulkan {

/// The kernels worth choosing from for a storage type and padded head dim on this device, each with
/// a measured pace. The first call for a type and dim measures them on a small full attention
/// (some ten milliseconds each); `pace` keeps the result.
std::vector<AttendKernel> tuned_kernels(Gpu& gpu, Pace& pace, DType dtype, int64_t padded_dim);

}  // namespace vidattn::vulkan
