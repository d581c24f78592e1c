#pragma once

#include <optional>

#include "attention/plan.h"
#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// The branch with segments cut so that no invocation of a kernel runs into the device's limit on
/// loop iterations: their queries stand in several segments, each with a part of the keys. None
/// where nothing has to be cut.
std::optional<Branch> cut_long_segments(const GpuFacts& facts, const Branch& branch,
                                        int64_t padded_dim);

}  // namespace vidattn::vulkan
