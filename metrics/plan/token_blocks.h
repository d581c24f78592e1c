#pragma once

#include <optional>

#include "attention/inputs.h"
#include "attention/plan.h"
#include "metrics/plan/tile_density.h"

namespace vidattn {

/// Which blocks of consecutive tokens see which: uint8 [1 or H, ceil(L/queries), ceil(LK/keys)], 1
/// where any query of the one sees any key of the other in any branch; one map where all heads
/// share every table. Blocks are of tokens as they lie in the call, whatever the plan's orders
/// (tile_density() has those of the orders). Keys that a method prepared stand for no tokens, and
/// are left out. Throws InputError for a size that is not positive.
Array token_block_map(const Plan& plan, const Inputs& in, TileShape size,
                      std::optional<int64_t> head = std::nullopt);

}  // namespace vidattn
