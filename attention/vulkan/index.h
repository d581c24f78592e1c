#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/plan.h"
#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// How a workgroup of attend.comp shares its work: rows * cols threads, each with `tile_queries`
/// queries and 4 * `tile_keys4` keys.
struct TileShape {
  uint32_t rows, cols, tile_queries, tile_keys4;
  uint32_t threads() const { return rows * cols; }
  uint32_t queries() const { return rows * tile_queries; }
  uint32_t keys() const { return 4 * cols * tile_keys4; }
};

/// A branch's tables as the words that the shaders read (shaders/plan.glsl). Query positions become
/// slots, cut into items of up to TileShape::queries() slots of one segment. Where query rows are
/// repeated, round r holds each row's r-th occurrence, so that the dispatches of a round never
/// write the same row; later rounds continue the online softmax of earlier ones.
struct BranchIndex {
  /// Items [first_item, first_item + count) of one table in one round, the costliest first.
  struct Group {
    uint32_t table = 0;
    uint32_t first_item = 0;    ///< word
    std::vector<int64_t> cost;  ///< per item and head: query-key products, whole tiles counted
  };
  /// Words that are copied from lists which lie on the device.
  struct Copy {
    const Buffer* from;
    int64_t first, count;  ///< words of `from`
    uint32_t word;         ///< where they go
  };
  std::vector<Copy> copies;
  uint32_t first_word = 0;      ///< where `words` go, behind all copies
  std::vector<uint32_t> words;  ///< made on the host
  int64_t size() const { return first_word + static_cast<int64_t>(words.size()); }
  uint32_t rows = 0, positions = 0, ranges = 0;  ///< words of slot 0 and of range 0
  std::vector<std::vector<Group>> rounds;
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t map = kNone;     ///< word of table 0's output map, one of `tokens` entries per table
  uint32_t weight = kNone;  ///< word of the token weights
  uint32_t bias = kNone;    ///< word of the key biases, in units of log2
  int64_t cost = 0;         ///< of one head of every table
};

inline constexpr uint32_t kItemWords = 6;

/// The part of a branch that one job runs: some tables, and the tokens [first, last) of the output.
struct IndexPart {
  size_t first_table, last_table;
  int64_t first_token, last_token;
  /// Query row of each row of the job's query buffer, ascending; empty = all rows.
  std::vector<int32_t> query_rows;
};

/// `gpu` is where lists may lie already.
BranchIndex build_index(const Gpu& gpu, const Branch& branch, const IndexPart& part,
                        const TileShape& shape);

/// Puts an index on the device; copies are recorded. `what` names it in errors.
Buffer upload(Gpu& gpu, const BranchIndex& index, const std::string& what);

/// Bytes of the words of a whole branch for any tile shape, at most.
int64_t index_bytes_at_most(const Branch& branch);

/// Query rows that tokens [first, last) take from a table, ascending.
std::vector<int32_t> rows_of_tokens(const Branch& branch, size_t table, int64_t first,
                                    int64_t last);

}  // namespace vidattn::vulkan
