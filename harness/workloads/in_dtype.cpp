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

}  // namespace vidattn
