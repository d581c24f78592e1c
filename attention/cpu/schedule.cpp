#include "attention/cpu/schedule.h"

#include <algorithm>

namespace vidattn::cpu {
namespace {

constexpr int64_t kItemsPerThread = 16;

/// Cost of one query of [begin, end), from its ends: bands change evenly in between.
int64_t query_cost(const HeadTable& table, const Segment& segment, int64_t begin, int64_t end) {
  const int64_t keys = visible_keys(table, segment, begin) + visible_keys(table, segment, end - 1);
  return keys == 0 ? 0 : keys / 2 + kQueryOverhead;
}

int64_t segment_cost(const HeadTable& table, const Segment& s) {
  if (s.query_begin == s.query_end) return 0;
  return (s.query_end - s.query_begin) * query_cost(table, s, s.query_begin, s.query_end);
}

int64_t total_cost(const Branch& branch, int64_t heads) {
  int64_t cost = 0;
  for (int64_t h = 0; h < heads; ++h)
    for (const Segment& s : branch.table(h, heads).segments)
      cost += segment_cost(branch.table(h, heads), s);
  return cost;
}

/// Cuts segments into items; small neighbours share one.
class Cutter {
 public:
  Cutter(int64_t total, int64_t threads) : remaining_(total), threads_(threads) {}

  void cut(const HeadTable& table, int32_t head) {
    for (int32_t s = 0; s < static_cast<int32_t>(table.segments.size()); ++s) {
      const Segment& segment = table.segments[s];
      const int64_t cost = segment_cost(table, segment);
      if (cost == 0) continue;
      const bool small = cost <= grain() / 2;
      if (small && joins_ && items_.back().head == head && items_.back().cost + cost <= grain()) {
        items_.back().segment_end = s + 1;
        items_.back().query_end = segment.query_end;
        items_.back().cost += cost;
        spend(cost);
      } else if (small) {
        push({cost, head, s, s + 1, segment.query_begin, segment.query_end});
      } else {
        split(table, head, s);
      }
      joins_ = small;
    }
  }

  std::vector<WorkItem> take() { return std::move(items_); }

 private:
  // Guided self-scheduling: a fixed share of what is left. A single thread has nobody to wait for.
  int64_t grain() const {
    return threads_ == 1 ? remaining_ : remaining_ / (kItemsPerThread / 2 * threads_);
  }

  void split(const HeadTable& table, int32_t head, int32_t s) {
    const Segment& segment = table.segments[s];
    for (int32_t begin = segment.query_begin; begin < segment.query_end;) {
      const int32_t limit = std::min<int32_t>(segment.query_end, begin + kMaxQueries);
      const int64_t fit = grain() / std::max<int64_t>(1, query_cost(table, segment, begin, limit));
      const int64_t queries =
          std::clamp(fit / kMaxTileQueries * kMaxTileQueries, kMaxTileQueries, kMaxQueries);
      const int32_t end = piece_end(begin, segment.query_end, queries);
      push({(end - begin) * query_cost(table, segment, begin, end), head, s, s + 1, begin, end});
      begin = end;
    }
  }

  void push(const WorkItem& item) {
    items_.push_back(item);
    spend(item.cost);
  }
  void spend(int64_t cost) { remaining_ = std::max<int64_t>(0, remaining_ - cost); }

  std::vector<WorkItem> items_;
  int64_t remaining_, threads_;
  bool joins_ = false;  ///< the last item holds whole small segments
};

std::vector<WorkItem> cut_stripes(const Branch& branch, int64_t heads, int64_t query_rows,
                                  const std::vector<RowOrder>& orders) {
  // By the rows alone: where a stripe ends decides which queries of a segment share a piece, and so
  // the bits of their results, which are the same for all numbers of threads and heads.
  const int64_t stripe = std::clamp(query_rows / kItemsPerThread, 4 * kMaxTileQueries, kMaxStripe);
  std::vector<WorkItem> items;
  for (int64_t h = 0; h < heads; ++h) {
    const HeadTable& table = branch.table(h, heads);
    const RowOrder& order = orders[branch.table_index(h, heads)];
    const auto segments = static_cast<int32_t>(table.segments.size());
    for (int64_t begin = 0; begin < query_rows; begin += stripe) {
      const int64_t end = std::min(query_rows, begin + stripe);
      WorkItem item{0,        static_cast<int32_t>(h),     0,
                    segments, static_cast<int32_t>(begin), static_cast<int32_t>(end)};
      for (int32_t s = 0; s < segments; ++s)
        if (const int64_t count = order.count(s, begin, end))
          item.cost += count * query_cost(table, table.segments[s], table.segments[s].query_begin,
                                          table.segments[s].query_end);
      if (item.cost > 0) items.push_back(item);
    }
  }
  return items;
}

}  // namespace

int32_t piece_end(int32_t begin, int32_t end, int64_t most) {
  const int64_t left = end - begin - most;
  if (left <= 0) return end;
  if (left > kMaxRowQueries) return static_cast<int32_t>(begin + most);
  if (most + left <= kMaxQueries) return end;
  return static_cast<int32_t>(begin + most - kMaxTileQueries);
}

int64_t visible_keys(const HeadTable& table, const Segment& segment, int64_t position) {
  int64_t keys = 0;
  for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
    keys += std::max<int64_t>(0, table.ranges[r].last(position) - table.ranges[r].first(position));
  return keys;
}

RowOrder::RowOrder(const HeadTable& table) : table_(&table) {
  const auto by_row = [&](int32_t a, int32_t b) { return table.query_row(a) < table.query_row(b); };
  bool ascending = true;
  int64_t total = 0;
  for (const Segment& s : table.segments) {
    for (int32_t p = s.query_begin + 1; p < s.query_end; ++p) ascending &= !by_row(p, p - 1);
    offset_.push_back(total);
    total += s.query_end - s.query_begin;
  }
  if (ascending) return;
  sorted_.reserve(total);
  for (const Segment& s : table.segments) {
    for (int32_t p = s.query_begin; p < s.query_end; ++p) sorted_.push_back(p);
    std::stable_sort(sorted_.end() - (s.query_end - s.query_begin), sorted_.end(), by_row);
  }
}

int64_t RowOrder::first(int32_t segment) const {
  return sorted_.empty() ? table_->segments[segment].query_begin : offset_[segment];
}

int64_t RowOrder::last(int32_t segment) const {
  const Segment& s = table_->segments[segment];
  return first(segment) + s.query_end - s.query_begin;
}

int64_t RowOrder::lower_bound(int32_t segment, int64_t row) const {
  int64_t low = first(segment), high = last(segment);
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (table_->query_row(position(middle)) < row)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

std::vector<WorkItem> make_schedule(const Branch& branch, int64_t heads, int64_t query_rows,
                                    const std::vector<RowOrder>& orders, int64_t threads) {
  std::vector<WorkItem> items;
  if (branch.repeats_queries) {
    items = cut_stripes(branch, heads, query_rows, orders);
  } else {
    Cutter cutter(total_cost(branch, heads), threads);
    for (int64_t h = 0; h < heads; ++h) cutter.cut(branch.table(h, heads), static_cast<int32_t>(h));
    items = cutter.take();
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const WorkItem& a, const WorkItem& b) { return a.cost > b.cost; });
  return items;
}

}  // namespace vidattn::cpu
