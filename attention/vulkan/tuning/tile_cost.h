#pragma once

#include "attention/vulkan/index.h"

namespace vidattn::vulkan {

/// Query-key products of one head of every table of the part, whole tiles counted; of tables with
/// repeated queries, as if each segment were in one round.
int64_t tile_cost(const Branch& branch, const IndexPart& part, const TileShape& shape);

/// Keys that some position of [first, last] sees; an upper bound for bands in between.
int64_t tile_keys(const HeadTable& table, const Segment& segment, int32_t first, int32_t last);

}  // namespace vidattn::vulkan
