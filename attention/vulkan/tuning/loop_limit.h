#pragma once

#include <optional>

#include "attention/plan.h"
#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// Keys that one invocation may walk, where the device limits its loop iterations.
class LoopBudget {
 public:
  /// `limit` is GpuFacts::loop_limit; 64 keys take `iterations`.
  LoopBudget(int64_t limit, int64_t iterations);
  /// Less what so many ranges of keys take.
  int64_t keys(int64_t ranges) const;

 private:
  int64_t limit_, per_tile_;
};

/// Iterations for 64 keys: in attend.comp one per four channels, and three per four keys;
/// in attend_backward.comp, whose tiles have 32, two per four channels of each, and more per key.
int64_t attend_iterations(int64_t padded_dim);
int64_t backward_iterations(int64_t padded_dim);

/// The branch with segments cut so that no invocation of a kernel that takes `iterations` for 64
/// keys runs into the device's limit: their queries stand in several segments, each with a part of
/// the keys. None where nothing has to be cut.
std::optional<Branch> cut_long_segments(const GpuFacts& facts, const Branch& branch,
                                        int64_t iterations);

}  // namespace vidattn::vulkan
