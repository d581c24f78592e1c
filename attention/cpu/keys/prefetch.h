#pragma once

#include <algorithm>
#include <cstdint>

#include "attention/cpu/keys/keys.h"
#include "attention/tensor.h"

namespace vidattn::cpu {

/// Brings the next key block into the second-level cache, a little at a time, while the current one
/// is worked on. Hardware does not foresee gathered rows, nor rows of many heads that lie pages
/// apart.
class RowPrefetch {
 public:
  /// Does nothing.
  RowPrefetch() = default;
  /// Spreads the rows of `block` over `steps` calls of step().
  RowPrefetch(const Tensor& keys, const Tensor& values, int64_t head, const KeyBlock& block,
              int64_t steps)
      : tensors_{&keys, &values},
        block_(&block),
        head_(head),
        share_((2 * block.size + steps - 1) / steps) {}

  void step() {
    if (block_ == nullptr) return;
    const int64_t end = std::min(2 * block_->size, next_ + share_);
    for (; next_ < end; ++next_) {
      const Tensor& t = *tensors_[next_ % 2];
      const int64_t bytes = size_of(t.dtype());
      const char* row = t.data<char>() + t.offset(block_->rows[next_ / 2], head_) * bytes;
      for (int64_t b = 0; b < t.dim() * bytes; b += 64) __builtin_prefetch(row + b, 0, 2);
    }
  }

 private:
  const Tensor* tensors_[2] = {};
  const KeyBlock* block_ = nullptr;
  int64_t head_ = 0, next_ = 0, share_ = 0;
};

}  // namespace vidattn::cpu
