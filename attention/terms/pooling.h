#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attention/list.h"
#include "attention/tensor.h"

namespace vidattn {

/// How a prepared operand came from the call's own tensor: row r is the weighted sum of the rows
/// tokens[start[r] .. start[r+1]), with weights that sum to 1. Rows of no tokens are 0. A backward
/// pass takes gradients back through it; which tokens are pooled is held constant.
struct PoolingMap {
  std::shared_ptr<const List<int32_t>> tokens;  ///< rows of the call's tensor
  std::vector<int32_t> start;                   ///< [rows + 1]
  std::shared_ptr<const List<float>> weight;    ///< one for each of `tokens`; null = means

  int64_t rows() const { return static_cast<int64_t>(start.size()) - 1; }
  float weight_at(int64_t row, int32_t i) const {
    return weight ? (*weight)[i] : 1.0F / static_cast<float>(start[row + 1] - start[row]);
  }
};

/// One map for all heads, or one per group of heads, as tables are; null = not said.
using PoolingMaps = std::shared_ptr<const std::vector<PoolingMap>>;

/// What is wrong with maps that made `pooled` from `own`, empty when nothing is.
std::string pooling_fault(const std::vector<PoolingMap>& maps, const Tensor& pooled,
                          const Tensor& own);

/// Adds the gradient of one head's pooled rows, [rows,dim] with `stride` values from row to row, to
/// that of the head of the call's own tensor, in the same layout with `own_stride`.
template <class T>
void unpool(const PoolingMap& map, const T* pooled, int64_t stride, int64_t dim, T* own,
            int64_t own_stride) {
  for (int64_t r = 0; r < map.rows(); ++r)
    for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i) {
      const T weight = map.weight_at(r, i);
      T* to = own + (*map.tokens)[i] * own_stride;
      for (int64_t c = 0; c < dim; ++c) to[c] += weight * pooled[r * stride + c];
    }
}

}  // namespace vidattn
