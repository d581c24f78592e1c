#pragma once

#include <torch/types.h>

#include <map>
#include <string>

#include "harness/workloads/dit/checkpoint.h"

namespace vidattn::dit_torch {

/// A network's parameters by name (DIT.md).
using Parameters = std::map<std::string, at::Tensor>;

at::Tensor to_tensor(const Array& array);
Array to_array(const at::Tensor& tensor);

}  // namespace vidattn::dit_torch
