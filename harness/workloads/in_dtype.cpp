#include "harness/workloads/in_dtype.h"

#include "harness/io/stored_array.h"

namespace vidattn {

std::shared_ptr<const Tensor> in_dtype(std::shared_ptr<const Tensor> tensor, DType dtype,
                                       const std::string& name) {
  if (tensor->dtype() == dtype) return tensor;
  auto converted = std::make_shared<const Tensor>(tensor->to(dtype));
  require_finite(*converted, name + " as " + to_string(dtype));
  return converted;
}

void set_dtype(Inputs& in, DType dtype, const std::string& name) {
  for (auto* tensor : {&in.q, &in.k, &in.v}) *tensor = in_dtype(*tensor, storage_of(dtype), name);
  if (is_low_bit(dtype)) in.low_bits = dtype;
}

}  // namespace vidattn
