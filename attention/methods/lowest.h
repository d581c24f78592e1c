#pragma once

#include <cstdint>

namespace vidattn {

struct Lowest {
  float value;
  int64_t index;
};

/// The lowest a[m] - b[m], m < count, and its first index; several differences per instruction.
/// Without any below infinity: infinity and 0. For k-means, where a point's distances to all
/// centroids, less its own norm, are half the centroids' squared norms minus dot products.
Lowest lowest_difference(const float* a, const float* b, int64_t count);

}  // namespace vidattn
