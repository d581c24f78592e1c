#include "attention/cpu/keys/keys.h"

#include <algorithm>
#include <limits>

namespace vidattn::cpu {
namespace {

constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
constexpr int64_t kMax = std::numeric_limits<int32_t>::max();

/// Query positions that see key position n: p + band_low <= n <= p + band_high, turned around.
int32_t first_query(const KeyRange& range, int64_t n) {
  if (range.band_high == KeyRange::kNoHigh) return kMin;
  return static_cast<int32_t>(std::clamp(n - range.band_high, kMin, kMax));
}
int32_t last_query(const KeyRange& range, int64_t n) {
  if (range.band_low == KeyRange::kNoLow) return kMax;
  return static_cast<int32_t>(std::clamp(n - range.band_low, kMin, kMax));
}

template <class T>
void pad(KeyBlock::PerKey<T>& values, int64_t size) {
  std::fill_n(values.begin() + size, KeyBlock::kPadding, values[size - 1]);
}

}  // namespace

KeySpan visible_span(const KeyBlock& block, int32_t low, int32_t high) {
  if (!block.banded) return {0, block.size, false};
  const auto sees_any = [&](int64_t j) {
    return block.first_query[j] <= high && block.last_query[j] >= low;
  };
  KeySpan span{0, block.size, false};
  while (span.begin < span.end && !sees_any(span.begin)) ++span.begin;
  while (span.end > span.begin && !sees_any(span.end - 1)) --span.end;
  for (int64_t j = span.begin; j < span.end && !span.partly; ++j)
    span.partly = block.first_query[j] > low || block.last_query[j] < high;
  return span;
}

KeyCursor::KeyCursor(const HeadTable& table, const Segment& segment, int32_t low, int32_t high)
    : table_(table),
      range_(segment.range_begin - 1),
      range_end_(segment.range_end),
      low_(low),
      high_(high) {
  for (int32_t r = segment.range_begin; r < range_end_; ++r) banded_ |= table.ranges[r].banded();
}

bool KeyCursor::advance() {
  while (position_ >= end_ && ++range_ < range_end_) {
    position_ = table_.ranges[range_].begin;
    end_ = table_.ranges[range_].end;
  }
  return range_ < range_end_;
}

/// Where a block begins, leaves out those that lie in the range and that no query sees.
void KeyCursor::skip_unseen() {
  const KeyRange& range = table_.ranges[range_];
  const int64_t first = range.first(low_), last = range.last(high_);
  const int64_t unseen = position_ >= last ? end_ - position_ : first - position_;
  if (unseen > 0)
    position_ += std::min(unseen, end_ - position_) / KeyBlock::kCapacity * KeyBlock::kCapacity;
}

/// Adds what the current range has for the block; whether some query sees one of these keys.
bool KeyCursor::add_keys(KeyBlock& block) {
  const KeyRange& range = table_.ranges[range_];
  const int64_t count = std::min(KeyBlock::kCapacity - block.size, end_ - position_);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t n = position_ + i;
    block.rows[block.size + i] = static_cast<int32_t>(table_.key_row(n));
    if (!banded_) continue;
    block.first_query[block.size + i] = first_query(range, n);
    block.last_query[block.size + i] = last_query(range, n);
  }
  const bool seen =
      std::max(position_, range.first(low_)) < std::min(position_ + count, range.last(high_));
  position_ += count;
  block.size += count;
  return seen;
}

bool KeyCursor::next(KeyBlock& block) {
  block.banded = banded_;
  bool seen = false;
  while (!seen) {
    block.size = 0;
    if (!advance()) return false;
    if (banded_) skip_unseen();
    while (block.size < KeyBlock::kCapacity && advance()) seen |= add_keys(block);
  }
  pad(block.rows, block.size);
  if (banded_) {
    pad(block.first_query, block.size);
    pad(block.last_query, block.size);
  }
  return true;
}

}  // namespace vidattn::cpu
