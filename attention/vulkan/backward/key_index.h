#pragma once

#include "attention/vulkan/index.h"
#include "attention/vulkan/tuning/loop_limit.h"

namespace vidattn::vulkan {

/// A branch's tables the other way round, for the kernels that are OF_KEYS (shaders/plan.glsl):
/// items are tiles of up to TileShape::queries() keys, `rows` and `positions` those of their keys,
/// and their ranges the queries that see some key of the tile, with bands turned round. No key
/// stands in two items of a round, whose gradients are added to those of the rounds before: a tile
/// that more queries see than `budget` lets one invocation walk is continued there.
///
/// Where a key order repeats rows, as lists of keys of single queries do, the tiles are of rows
/// instead of positions. Lists are read on the host.
BranchIndex build_key_index(const Branch& branch, int64_t key_rows, const TileShape& shape,
                            const LoopBudget& budget);

}  // namespace vidattn::vulkan
