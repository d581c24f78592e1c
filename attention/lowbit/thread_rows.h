#pragma once

#include <omp.h>

#include <cstdint>
#include <vector>

namespace vidattn {

/// A row of float32 for each thread, made before a parallel region: inside, nothing may throw.
class ThreadRows {
 public:
  explicit ThreadRows(int64_t size)
      : stride_((size + 31) / 16 * 16), values_(omp_get_max_threads() * stride_) {}
  /// The calling thread's, of a region with at most omp_get_max_threads() threads.
  float* own() const { return values_.data() + omp_get_thread_num() * stride_; }

 private:
  int64_t stride_;
  mutable std::vector<float> values_;
};

}  // namespace vidattn
