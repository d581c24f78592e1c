#pragma once

#include <map>
#include <utility>
#include <vector>

#include "attention/dtype.h"
#include "attention/vulkan/tuning/pace.h"

namespace vidattn::vulkan {

struct TunedKernel {
  AttendKernel kernel;
  double seconds_per_product;
};

/// Which kernels suit a device. The first question about a storage type and head dim measures the
/// candidates on a small full attention (about 0.1 s each, and their compilation) and drops those
/// that cannot be compiled or whose result differs from the first one's. The answer is kept, so
/// that the same plan always meets the same kernel in one process.
class Tuning {
 public:
  const std::vector<TunedKernel>& kernels(Gpu& gpu, DType dtype, int64_t padded_dim);
  Pace& pace() { return pace_; }

 private:
  std::map<std::pair<DType, int64_t>, std::vector<TunedKernel>> known_;
  Pace pace_;
};

/// A tile of the given number of queries for 8 columns of threads, each of which keeps `sums` sums
/// of a row's channels in registers.
TileShape tile_shape(uint32_t queries, uint32_t subgroup, uint32_t quads, uint32_t sums = 1);

/// Kernels that fit the device's limits, the portable one that is the yardstick first.
std::vector<AttendKernel> candidates(const GpuFacts& facts, DType dtype, int64_t padded_dim);

}  // namespace vidattn::vulkan
