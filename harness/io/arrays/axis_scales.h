#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace vidattn {

struct Rearrangement;
struct StoredArray;

/// Numbers along some axes of an array, which its elements are multiplied by: one per head, say.
struct AxisScales {
  std::shared_ptr<const std::vector<float>> values;  ///< null = none
  int64_t offset = 0;
  std::vector<int64_t>
      strides;  ///< in `values`, one for each axis of the array; 0 = alike along it

  /// Multiplies what was read into memory of this shape, rearranged as it was.
  void multiply(float* elements, const std::vector<int64_t>& shape,
                const Rearrangement* rearrangement) const;
};

/// Lays a scale of shape [H], [H,1], [L,1], … on the axes of an array, in their order; sizes of 1
/// stand for any axis. Throws InputError when it fits none, fits several in different ways, or
/// holds something else than numbers above 0.
AxisScales fit_scales(const StoredArray& array, const StoredArray& scale);

}  // namespace vidattn
