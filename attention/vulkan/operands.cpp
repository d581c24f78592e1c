#include "attention/vulkan/operands.h"

#include <cstring>

namespace vidattn::vulkan {
namespace {

/// Fills padded rows; `copy` writes row (token, head) of the source.
template <class Copy>
Buffer upload_rows(Gpu& gpu, const RowSet& set, int64_t dim, int64_t width, DType dtype,
                   const char* what, Copy&& copy) {
  const int64_t used = dim * size_of(dtype), unit = width * size_of(dtype);
  const int64_t bytes = set.heads() * set.count() * unit;
  Buffer buffer = gpu.allocate(bytes, what);
  gpu.write(buffer, bytes, unit, [&](std::byte* to, int64_t first, int64_t size) {
    const int64_t begin = first / unit, end = (first + size) / unit;
#pragma omp parallel for schedule(static)
    for (int64_t i = begin; i < end; ++i) {
      std::byte* row = to + (i - begin) * unit;
      copy(set.row(i % set.count()), set.first_head + i / set.count(), row);
      std::memset(row + used, 0, unit - used);
    }
  });
  return buffer;
}

}  // namespace

int64_t operand_bytes(int64_t heads, int64_t rows, int64_t width, DType dtype) {
  return heads * rows * width * size_of(dtype);
}

Buffer upload(Gpu& gpu, const Tensor& tensor, const RowSet& set, int64_t width, DType dtype,
              const char* what) {
  const bool same = tensor.dtype() == dtype;
  const int64_t element = size_of(dtype);
  return upload_rows(
      gpu, set, tensor.dim(), width, dtype, what, [&](int64_t token, int64_t head, std::byte* to) {
        if (same)
          std::memcpy(to, tensor.data<std::byte>() + tensor.offset(token, head) * element,
                      tensor.dim() * element);
        else
          tensor.read_row(token, head, reinterpret_cast<float*>(to));
      });
}

Buffer upload(Gpu& gpu, const float* values, int64_t heads, int64_t dim, const RowSet& set,
              int64_t width, const char* what) {
  return upload_rows(gpu, set, dim, width, DType::f32, what,
                     [&](int64_t token, int64_t head, std::byte* to) {
                       std::memcpy(to, values + (token * heads + head) * dim, dim * 4);
                     });
}

}  // namespace vidattn::vulkan
