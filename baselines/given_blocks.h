#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"
#include "baselines/blocks.h"

namespace vidattn {

// The arrays of a mask that was made elsewhere (method `map`). A leading axis of 1 may stand before
// each (a batch), and one head for all heads. Whatever contradicts the call or itself is an
// InputError of one line.

/// Orders of queries and keys, of all heads or one per head; null = as they are.
struct TokenOrders {
  std::vector<Order> queries{nullptr}, keys{nullptr};

  int64_t heads() const { return static_cast<int64_t>(std::max(queries.size(), keys.size())); }
  const Order& query(int64_t head) const { return queries[queries.size() == 1 ? 0 : head]; }
  const Order& key(int64_t head) const { return keys[keys.size() == 1 ? 0 : head]; }
};

/// The inputs token_order and key_order: permutations.
TokenOrders token_orders(const Inputs& in);

constexpr int64_t kUnknownCount = -1;

/// What is known of the blocks of queries or of keys.
struct WantedBlocks {
  std::string what;  ///< "query" or "key"; the input WHAT_sizes has their sizes
  int64_t tokens;
  int64_t size;   ///< of a block; 0 = not given
  int64_t count;  ///< or kUnknownCount
};

/// Where blocks begin in the order, of all heads or one per head.
class BlockSizes {
 public:
  explicit BlockSizes(std::vector<std::vector<int32_t>> starts) : starts_(std::move(starts)) {}

  int64_t heads() const { return static_cast<int64_t>(starts_.size()); }
  int64_t count() const { return static_cast<int64_t>(starts_[0].size()) - 1; }
  /// With no labels: positions alone.
  Blocks blocks(int64_t head, const Order& order) const {
    Blocks blocks;
    blocks.order = order;
    blocks.start = starts_[starts_.size() == 1 ? 0 : head];
    return blocks;
  }

 private:
  std::vector<std::vector<int32_t>> starts_;  // [count + 1] each
};

/// From the sizes that are given, the size that is given, or the one that the count leaves.
BlockSizes block_sizes(const Inputs& in, const WantedBlocks& wanted);

/// 0/1 maps [heads, queries, keys] of blocks or tokens; one for all heads, or one per head.
struct GivenMaps {
  int64_t heads = 0, queries = 0, keys = 0;
  std::vector<uint8_t> values;

  const uint8_t* of_head(int64_t head) const {
    return values.data() + (heads == 1 ? 0 : head) * queries * keys;
  }
};

/// The input `name`, uint8; `shapes` says in words which shapes it may have.
GivenMaps given_maps(const Inputs& in, const std::string& name, const std::string& shapes);

/// Query blocks of the input `form`: block_map, block_index or block_indptr.
int64_t query_blocks(const Inputs& in, const std::string& form);

/// From the inputs block_index and block_count, and block_indptr and block_indices. A list that
/// names a block twice is refused.
GivenMaps maps_of_lists(const Inputs& in, int64_t key_blocks);
GivenMaps maps_of_csr(const Inputs& in, int64_t key_blocks);

}  // namespace vidattn
