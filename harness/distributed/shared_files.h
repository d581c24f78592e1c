#pragma once

#include <string>
#include <vector>

#include "attention/tensor.h"
#include "harness/distributed/parts/rank_layout.h"
#include "harness/distributed/ranks/communicator.h"
#include "harness/host/output/outputs.h"

/// Files that rank 0 writes of what all ranks have; called by all together.
namespace vidattn {

/// An array whose first axis is tokens, float32 [L,…], from each rank's own rows, one rank after
/// the other: no rank holds all. `row_shape` are its further axes.
void write_rows(Communicator& world, const std::string& path, const Tensor& own,
                const std::vector<int64_t>& row_shape, Outputs& outputs);
void write_rows(Communicator& world, const std::string& path, const Array& own, Outputs& outputs);

/// Visible pairs [1 or H,L,LK] from those of the ranks' heads and blocks of queries (plan_mask()),
/// of which the first rank holds all. `one` = all heads share them.
void write_mask(Communicator& world, const std::string& path, const Array& own,
                const RankLayout& layout, const CallShape& shape, bool one, Outputs& outputs);

}  // namespace vidattn
