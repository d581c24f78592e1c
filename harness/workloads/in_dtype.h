#pragma once

#include <memory>
#include <string>

#include "attention/tensor.h"

namespace vidattn {

/// The tensor itself when it has that storage type, else a converted copy. Throws InputError naming
/// the first element that does not fit the type: "q.npy as f16[1,0,3] is inf".
std::shared_ptr<const Tensor> in_dtype(std::shared_ptr<const Tensor> tensor, DType dtype,
                                       const std::string& name);

}  // namespace vidattn
