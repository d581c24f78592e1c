#include "baselines/block_budget.h"

#include <algorithm>
#include <cmath>

#include "attention/error.h"

namespace vidattn {

int64_t BlockBudget::count(int64_t blocks, const std::string& method) const {
  if (k > 0 && keep_given) throw InputError(method + ": give k or keep, not both");
  const auto share = static_cast<int64_t>(std::llround(keep * static_cast<double>(blocks)));
  return std::clamp<int64_t>(k > 0 ? k : share, 1, blocks);
}

std::vector<DensityKnob> BlockBudget::knobs() const {
  const DensityKnob share{"keep", 0, 1};
  if (k > 0) return {};
  return tile.empty() ? with_smaller_blocks(share, "block", block, 16) : std::vector{share};
}

QueryKeyBlocks blocks_of(const Inputs& in, const BlockBudget& p, const std::string& method) {
  if (p.tile.empty()) return {run_blocks(in.length(), p.block), run_blocks(in.keys(), p.block)};
  if (p.tile.size() != 3)
    throw InputError(method + ": tile needs 3 numbers, frames, rows and columns");
  in.need_grid(method);
  if (in.keys() != in.length())
    throw InputError(method + ": tiles need as many keys as queries; leave tile out for runs");
  const Blocks tiles = tile_blocks(in.grid, {p.tile[0], p.tile[1], p.tile[2]});
  return {tiles, tiles};
}

}  // namespace vidattn
