#pragma once

#include <cstdint>
#include <vector>

#include "attention/inputs.h"
#include "attention/tensor.h"

namespace vidattn {

/// The largest rows of each head of a tensor: by their Euclidean norm, and by their largest
/// element.
struct Magnitudes {
  std::vector<double> norm, element;

  explicit Magnitudes(const Tensor& t);
};

/// Throws InputError, naming the head and `what` of it can be so large, for a size that float32
/// cannot hold.
void require_float32(int64_t head, const char* what, double size);

/// Throws InputError when gradients of q, k and v, or the products that they are sums of, may lie
/// beyond float32; d_o is that of the output, [L,H,DV]. Reads all operands: once for a call, not
/// for each of its runs.
void require_representable_gradients(const Inputs& in, const Tensor& d_o);

}  // namespace vidattn
