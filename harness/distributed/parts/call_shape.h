#pragma once

#include "attention/inputs.h"

namespace vidattn {

/// Sizes of a call that several ranks share; no rank need have its tensors.
struct CallShape {
  int64_t length = 0, keys = 0;  ///< tokens of q; of k and v
  int64_t heads = 0, kv_heads = 0;
  int64_t dim = 0, value_dim = 0;
  DType dtype = DType::f32;  ///< as stored
};

inline CallShape shape_of(const Inputs& in) {
  return {in.length(), in.keys(),      in.heads(),   in.kv_heads(),
          in.dim(),    in.value_dim(), in.q->dtype()};
}

}  // namespace vidattn
