#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/methods/fields.h"
#include "baselines/blocks.h"

namespace vidattn {

/// Parameters of a ceiling or a floor that keeps equally many key blocks for every query block: a
/// member among its own ones, made from them.
struct BlockBudget : ParamFields {
  explicit BlockBudget(const ParamFields& of) : ParamFields(of) {}
  int64_t block = integer("block", 64, "Consecutive tokens of a block; the last may be short.", "-",
                          1, 1 << 30);
  std::vector<int64_t> tile = integers(
      "tile",
      "Frames, rows and columns of a tile, in place of runs of tokens; empty = runs. Border "
      "tiles are smaller.",
      "-", 1, 65536);
  int64_t k = integer("k", 0, "Key blocks per query block; not given = from keep.", "-", 1);
  double keep = real("keep", 0.1,
                     "Share of all key blocks per query block, rounded to a whole number; at least "
                     "one.",
                     "-", 0, 1);

  bool keep_given = given("keep");

  /// Of `blocks` key blocks; at least 1, at most all. Throws InputError naming `method` where both
  /// k and keep are given.
  int64_t count(int64_t blocks, const std::string& method) const;
  /// `keep`, then with smaller blocks; none where k is given.
  std::vector<DensityKnob> knobs() const;
};

struct QueryKeyBlocks {
  Blocks queries, keys;
};

/// The blocks of a call: runs of tokens, text like any other, or tiles of the video. Throws
/// InputError naming `method` for a tile that is no triple, without a grid, or in cross-attention.
QueryKeyBlocks blocks_of(const Inputs& in, const BlockBudget& p, const std::string& method);

}  // namespace vidattn
