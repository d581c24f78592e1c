#include "attention/vulkan/backward/key_index.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <optional>

namespace vidattn::vulkan {
namespace {

/// Queries that see some keys of a tile.
struct QueryRange {
  int32_t begin, end;   ///< positions
  int32_t low, high;    ///< the key range's band
  int32_t first, last;  ///< key positions that it is about

  bool continued_by(const QueryRange& next) const {
    return end == next.begin && low == next.low && high == next.high && first == next.first &&
           last == next.last;
  }
};

/// Key positions [begin, end), and what sees them.
struct KeyTile {
  int32_t begin, end;
  std::vector<QueryRange> seen_by;
};

struct KeyItem {
  uint32_t table, slot, count, range_begin, range_end;
  int64_t cost;
};

bool repeats_keys(const HeadTable& table, int64_t key_rows) {
  if (!table.key_order) return false;
  std::vector<bool> met(key_rows);
  for (int32_t row : *table.key_order) {
    if (met[row]) return true;
    met[row] = true;
  }
  return false;
}

/// The table with key rows for positions: its ranges are cut into runs of consecutive rows.
HeadTable by_key_rows(const HeadTable& table) {
  HeadTable rows{table.query_order, nullptr, {}, {}};
  for (const Segment& s : table.segments) {
    std::vector<KeyRange> runs;
    for (int32_t r = s.range_begin; r < s.range_end; ++r) {
      const KeyRange& range = table.ranges[r];
      for (int32_t n = range.begin, end; n < range.end; n = end) {
        const auto row = static_cast<int32_t>(table.key_row(n));
        for (end = n + 1; end < range.end && table.key_row(end) == row + end - n;) ++end;
        KeyRange run = range;
        run.begin = row;
        run.end = row + end - n;
        if (run.band_low != KeyRange::kNoLow) run.band_low += row - n;
        if (run.band_high != KeyRange::kNoHigh) run.band_high += row - n;
        runs.push_back(run);
      }
    }
    rows.add(s.query_begin, s.query_end, runs);
  }
  return rows;
}

/// Tiles of the key positions that ranges cover. They end where no range goes on, unless most of a
/// tile would be empty then.
std::vector<KeyTile> cut_into_tiles(const HeadTable& table, int32_t most) {
  int32_t positions = 0;
  for (const KeyRange& r : table.ranges) positions = std::max(positions, r.end);
  std::vector<int32_t> covered(positions + 1), crossed(positions + 1);
  for (const KeyRange& r : table.ranges) {
    if (r.begin >= r.end) continue;
    ++covered[r.begin];
    --covered[r.end];
    ++crossed[r.begin + 1];
    --crossed[r.end];
  }
  std::partial_sum(covered.begin(), covered.end(), covered.begin());
  std::partial_sum(crossed.begin(), crossed.end(), crossed.begin());
  std::vector<KeyTile> tiles;
  bool open = false;
  for (int32_t n = 0; n < positions; ++n) {
    if (open) {
      const int32_t size = n - tiles.back().begin;
      if (size == most || (crossed[n] == 0 && 2 * size >= most)) open = false;
    }
    if (!open && covered[n] == 0) continue;
    if (!open) tiles.push_back({n, n, {}});
    open = true;
    tiles.back().end = n + 1;
  }
  return tiles;
}

/// The part of a segment that sees some of the tile's keys in a range; empty where none does.
QueryRange seen_part(const Segment& segment, const KeyRange& range, const KeyTile& tile) {
  QueryRange part{segment.query_begin,
                  segment.query_end,
                  range.band_low,
                  range.band_high,
                  std::max(range.begin, tile.begin),
                  std::min(range.end, tile.end) - 1};
  if (range.band_high != KeyRange::kNoHigh)
    part.begin =
        static_cast<int32_t>(std::max<int64_t>(part.begin, int64_t{part.first} - range.band_high));
  if (range.band_low != KeyRange::kNoLow)
    part.end =
        static_cast<int32_t>(std::min<int64_t>(part.end, int64_t{part.last} - range.band_low + 1));
  return part;
}

/// Fills in who sees each tile, in the order of segments.
void find_queries(const HeadTable& table, std::vector<KeyTile>& tiles) {
  for (const Segment& s : table.segments)
    for (int32_t r = s.range_begin; r < s.range_end; ++r) {
      const KeyRange& range = table.ranges[r];
      if (range.begin >= range.end) continue;
      auto tile = std::upper_bound(tiles.begin(), tiles.end(), range.begin,
                                   [](int32_t n, const KeyTile& t) { return n < t.end; });
      for (; tile != tiles.end() && tile->begin < range.end; ++tile) {
        const QueryRange part = seen_part(s, range, *tile);
        if (part.begin >= part.end) continue;
        if (!tile->seen_by.empty() && tile->seen_by.back().continued_by(part))
          tile->seen_by.back().end = part.end;
        else
          tile->seen_by.push_back(part);
      }
    }
}

class KeyIndexBuilder {
 public:
  KeyIndexBuilder(const Branch& branch, int64_t key_rows, const TileShape& shape,
                  const LoopBudget& budget)
      : branch_(branch), key_rows_(key_rows), shape_(shape), budget_(budget) {}

  BranchIndex build() {
    index_.first_word = 1;  // no list begins at word 0, which means "identity"
    for (uint32_t t = 0; t < branch_.tables.size(); ++t) add_table(t);
    index_.rows = put_all(rows_);
    index_.positions = put_all(positions_);
    write_ranges();
    write_items();
    if (branch_.key_bias) {
      index_.bias = here();
      for (float b : branch_.key_bias_in_log2()) put(std::bit_cast<int32_t>(b));
    }
    return std::move(index_);
  }

 private:
  uint32_t here() const { return static_cast<uint32_t>(index_.size()); }
  void put(int64_t value) { index_.words.push_back(static_cast<uint32_t>(value)); }
  template <class List>
  uint32_t put_all(const List& list) {
    const uint32_t word = here();
    index_.words.insert(index_.words.end(), list.begin(), list.end());
    return word;
  }

  void add_table(uint32_t t) {
    std::optional<HeadTable> rewritten;
    if (repeats_keys(branch_.tables[t], key_rows_)) rewritten = by_key_rows(branch_.tables[t]);
    const HeadTable& table = rewritten ? *rewritten : branch_.tables[t];
    std::vector<KeyTile> tiles = cut_into_tiles(table, static_cast<int32_t>(shape_.queries()));
    find_queries(table, tiles);
    for (const KeyTile& tile : tiles) {
      if (tile.seen_by.empty()) continue;
      const auto slot = static_cast<uint32_t>(rows_.size());
      for (int32_t n = tile.begin; n < tile.end; ++n) {
        rows_.push_back(static_cast<int32_t>(table.key_row(n)));
        positions_.push_back(n);
      }
      add_items(t, slot, tile);
    }
  }

  /// One item, or one in each of some rounds.
  void add_items(uint32_t t, uint32_t slot, const KeyTile& tile) {
    size_t round = 0;
    const auto count = static_cast<uint32_t>(tile.end - tile.begin);
    auto first = static_cast<uint32_t>(ranges_.size());
    int64_t queries = 0;
    const auto close = [&] {
      const auto end = static_cast<uint32_t>(ranges_.size());
      const int64_t walked = (queries + shape_.keys() - 1) / shape_.keys() * shape_.keys();
      if (items_.size() == round) items_.emplace_back();
      items_[round++].push_back({t, slot, count, first, end, walked * shape_.queries()});
      first = end;
      queries = 0;
    };
    for (QueryRange rest : tile.seen_by)
      while (rest.begin < rest.end) {
        const int64_t room = budget_.keys(ranges_.size() - first + 1) - queries;
        if (room <= 0) {
          close();
          continue;
        }
        QueryRange piece = rest;
        piece.end = static_cast<int32_t>(std::min<int64_t>(rest.end, rest.begin + room));
        ranges_.push_back(piece);
        queries += piece.end - piece.begin;
        rest.begin = piece.end;
      }
    close();
  }

  void write_ranges() {
    index_.ranges = here();
    for (const QueryRange& r : ranges_)
      for (int32_t value :
           {r.begin, r.end, r.high == KeyRange::kNoHigh ? KeyRange::kNoLow : -r.high,
            r.low == KeyRange::kNoLow ? KeyRange::kNoHigh : -r.low, r.first, r.last})
        put(value);
  }

  /// Word of a query order; an order that tables share is written once.
  uint32_t query_order(uint32_t table) {
    const Order& order = branch_.tables[table].query_order;
    if (!order) return 0;
    const auto [found, fresh] = orders_.emplace(order.get(), 0);
    if (fresh) found->second = put_all(*order);
    return found->second;
  }

  void write_items() {
    for (std::vector<KeyItem>& round : items_) {
      std::stable_sort(round.begin(), round.end(), [](const KeyItem& a, const KeyItem& b) {
        return a.table != b.table ? a.table < b.table : a.cost > b.cost;
      });
      std::map<uint32_t, uint32_t> orders;
      for (const KeyItem& item : round) orders[item.table] = query_order(item.table);
      std::vector<BranchIndex::Group>& groups = index_.rounds.emplace_back();
      for (const KeyItem& item : round) {
        if (groups.empty() || groups.back().table != item.table)
          groups.push_back({item.table, here(), {}});
        groups.back().cost.push_back(item.cost);
        index_.cost += item.cost;
        for (uint32_t word : {item.table, item.slot, item.count, item.range_begin, item.range_end,
                              orders[item.table]})
          put(word);
      }
    }
  }

  const Branch& branch_;
  int64_t key_rows_;
  const TileShape& shape_;
  const LoopBudget& budget_;
  std::vector<int32_t> rows_, positions_;  ///< by slot
  std::vector<QueryRange> ranges_;
  std::vector<std::vector<KeyItem>> items_;  ///< by round
  std::map<const void*, uint32_t> orders_;
  BranchIndex index_;
};

}  // namespace

BranchIndex build_key_index(const Branch& branch, int64_t key_rows, const TileShape& shape,
                            const LoopBudget& budget) {
  return KeyIndexBuilder(branch, key_rows, shape, budget).build();
}

}  // namespace vidattn::vulkan
