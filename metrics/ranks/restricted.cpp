#include "metrics/ranks/restricted.h"

#include <algorithm>

namespace vidattn {
namespace {

int32_t narrow(int64_t position) { return static_cast<int32_t>(position); }

/// Ranges of a segment under keys that are left, the same for all of its queries. A band moves with
/// the places that queries and keys had.
std::vector<KeyRange> ranges_left(const HeadTable& table, const Segment& s, int64_t moved,
                                  const RowsInOrder& keys) {
  std::vector<KeyRange> left;
  for (int32_t r = s.range_begin; r < s.range_end; ++r) {
    KeyRange range = table.ranges[r];
    range.begin = narrow(keys.before(range.begin));
    range.end = narrow(keys.before(range.end));
    if (range.band_low != KeyRange::kNoLow) range.band_low += narrow(moved);
    if (range.band_high != KeyRange::kNoHigh) range.band_high += narrow(moved);
    if (range.begin < range.end) left.push_back(range);
  }
  return left;
}

/// What the query at position p of the whole table sees of the keys that are left.
std::vector<KeyRange> ranges_of_query(const HeadTable& table, const Segment& s, int64_t p,
                                      const RowsInOrder& keys) {
  std::vector<KeyRange> left;
  for (int32_t r = s.range_begin; r < s.range_end; ++r) {
    const int64_t first = table.ranges[r].first(p), last = table.ranges[r].last(p);
    if (first >= last) continue;
    const KeyRange range{narrow(keys.before(first)), narrow(keys.before(last))};
    if (range.begin < range.end) left.push_back(range);
  }
  return left;
}

bool has_band(const HeadTable& table, const Segment& s) {
  return std::any_of(table.ranges.begin() + s.range_begin, table.ranges.begin() + s.range_end,
                     [](const KeyRange& range) { return range.banded(); });
}

}  // namespace

void RowsInOrder::add(int64_t position, int64_t number) {
  positions_.push_back(narrow(position));
  numbers_.push_back(narrow(number));
}

RowsInOrder::RowsInOrder(const Order& order, Share rows) : rows_(rows), identity_(!order) {
  if (identity_) return;
  for (int64_t p = 0; p < std::ssize(*order); ++p)
    if (const int32_t row = (*order)[p]; row >= rows.begin && row < rows.end)
      add(p, row - rows.begin);
}

RowsInOrder::RowsInOrder(const Order& order, const std::vector<int32_t>& numbers) {
  const int64_t size = order ? static_cast<int64_t>(order->size()) : std::ssize(numbers);
  for (int64_t p = 0; p < size; ++p)
    if (const int32_t number = numbers[order ? (*order)[p] : p]; number >= 0) add(p, number);
}

std::vector<RowsInOrder> RowsInOrder::of(const Order& order, const std::vector<Share>& shares) {
  std::vector<RowsInOrder> all;
  for (const Share& share : shares) all.push_back(RowsInOrder(share));
  for (RowsInOrder& rows : all) rows.identity_ = !order;
  if (!order) return all;
  for (int64_t p = 0; p < std::ssize(*order); ++p) {
    const int32_t row = (*order)[p];
    const auto owner = std::partition_point(shares.begin(), shares.end(),
                                            [&](const Share& share) { return share.end <= row; });
    if (owner != shares.end()) all[owner - shares.begin()].add(p, row - owner->begin);
  }
  return all;
}

int64_t RowsInOrder::before(int64_t position) const {
  if (identity_) return std::clamp<int64_t>(position - rows_.begin, 0, rows_.size());
  return std::lower_bound(positions_.begin(), positions_.end(), position) - positions_.begin();
}

Order RowsInOrder::local_order() const {
  return identity_ ? nullptr : make_order(std::vector<int32_t>(numbers_));
}

HeadTable restricted(const HeadTable& table, const RowsInOrder& queries, const RowsInOrder& keys) {
  HeadTable part;
  if (queries.size() == 0 || keys.size() == 0) return part;
  part.query_order = queries.local_order();
  part.key_order = keys.local_order();
  const bool consecutive = queries.consecutive() && keys.consecutive();
  const int64_t moved = queries[0] - keys[0];
  const auto add = [&](int64_t begin, int64_t end, const std::vector<KeyRange>& ranges) {
    if (!ranges.empty()) part.add(narrow(begin), narrow(end), ranges);
  };
  for (const Segment& s : table.segments) {
    const int64_t begin = queries.before(s.query_begin), end = queries.before(s.query_end);
    if (begin == end) continue;
    if (consecutive || !has_band(table, s))
      add(begin, end, ranges_left(table, s, moved, keys));
    else
      for (int64_t q = begin; q < end; ++q)
        add(q, q + 1, ranges_of_query(table, s, queries[q], keys));
  }
  return part;
}

HeadTable restricted(const HeadTable& table, Share query_rows, Share key_rows) {
  return restricted(table, RowsInOrder(table.query_order, query_rows),
                    RowsInOrder(table.key_order, key_rows));
}

}  // namespace vidattn
