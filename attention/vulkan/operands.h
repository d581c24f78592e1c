#pragma once

#include <algorithm>
#include <vector>

#include "attention/inputs.h"
#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// Channels that one row has on the device: zeros are added up to a multiple of 32, which every
/// tile shape divides.
inline int64_t padded_dim(int64_t dim) { return (dim + 31) / 32 * 32; }

/// Channels that all rows of a call have there. The kernels know one width, so that where values
/// are wider or narrower than keys, the narrower ones have more zeros, which change no result.
inline int64_t row_width(const Inputs& in) {
  return padded_dim(std::max(in.dim(), in.value_dim()));
}

/// Heads [first, last) of a tensor, and of each head the given rows (empty = `length` rows from
/// first_row).
struct RowSet {
  int64_t first_head, last_head;
  int64_t first_row, length;
  const std::vector<int32_t>* rows = nullptr;

  int64_t count() const { return rows ? static_cast<int64_t>(rows->size()) : length; }
  int64_t row(int64_t i) const { return rows ? (*rows)[i] : first_row + i; }
  int64_t heads() const { return last_head - first_head; }
};

/// Uploads rows of a tensor as [heads, rows, width], zeros behind its own channels, in storage type
/// `dtype`, which must be the tensor's own or f32: bf16 stays bf16 in memory and becomes float32 in
/// the kernel, exactly.
Buffer upload(Gpu& gpu, const Tensor& tensor, const RowSet& set, int64_t width, DType dtype,
              const char* what);

/// The same for a plain [L,H,D] float32 array.
Buffer upload(Gpu& gpu, const float* values, int64_t heads, int64_t dim, const RowSet& set,
              int64_t width, const char* what);

/// Bytes of such a buffer.
int64_t operand_bytes(int64_t heads, int64_t rows, int64_t width, DType dtype);

}  // namespace vidattn::vulkan
