#pragma once

#include <array>
#include <cstdint>

#include "attention/plan.h"

namespace vidattn::cpu {

/// A few keys that stay in cache while many queries meet them. Short ranges share a block, so that
/// a plan of ragged ranges runs as fast as one of long ranges.
struct KeyBlock {
  static constexpr int64_t kCapacity = 128;  ///< its scores with 48 queries fill half an L1 cache
  static constexpr int64_t kPadding = 8;     ///< the last key is repeated, for whole register tiles
  template <class T>
  using PerKey = std::array<T, kCapacity + kPadding>;

  int64_t size = 0;
  bool banded = false;          ///< only then are the next two filled
  PerKey<int32_t> rows;         ///< row in the key tensor
  PerKey<int32_t> first_query;  ///< query positions [first_query, last_query] see this key
  PerKey<int32_t> last_query;
};

/// Part of a key block that a span of query positions sees.
struct KeySpan {
  int64_t begin = 0, end = 0;
  bool partly = false;  ///< some query of the span does not see some key of [begin, end)
};

/// What query positions [low, high] see of the block.
KeySpan visible_span(const KeyBlock& block, int32_t low, int32_t high);

/// Walks over the keys of a segment in blocks. A block is kCapacity keys in the segment's order,
/// whichever queries ask, so that what a query sums does not depend on its neighbours.
class KeyCursor {
 public:
  /// Blocks of which no query position of [low, high] sees a key are skipped.
  KeyCursor(const HeadTable& table, const Segment& segment, int32_t low, int32_t high);
  /// Fills the next block; false when there is none.
  bool next(KeyBlock& block);

 private:
  bool advance();
  void skip_unseen();
  bool add_keys(KeyBlock& block);
  const HeadTable& table_;
  int32_t range_, range_end_;
  int32_t low_, high_;
  int64_t position_ = 0, end_ = 0;  ///< key positions left in the current range
  bool banded_ = false;             ///< some range of the segment has a band
};

}  // namespace vidattn::cpu
