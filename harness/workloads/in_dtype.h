#pragma once

#include <memory>
#include <string>

#include "attention/inputs.h"

namespace vidattn {

/// The tensor itself when it has that storage type, else a converted copy. Throws InputError naming
/// the first element that does not fit the type: "q.npy as f16[1,0,3] is inf".
std::shared_ptr<const Tensor> in_dtype(std::shared_ptr<const Tensor> tensor, DType dtype,
                                       const std::string& name);

/// q, k and v in a storage type; float32 and low_bits for int8 and fp8. Throws like in_dtype().
void set_dtype(Inputs& in, DType dtype, const std::string& name);

}  // namespace vidattn
