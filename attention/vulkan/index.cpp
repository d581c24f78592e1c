#include "attention/vulkan/index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <numeric>

#include "attention/vulkan/router.h"
#include "attention/vulkan/tuning/tile_cost.h"

namespace vidattn::vulkan {
namespace {

struct Slot {
  int32_t row, position;
};

struct Item {
  uint32_t table, slot, count, range_begin, range_end;
  int64_t cost;
};

/// Collects slots and items, round by round, and writes them out as words.
class Builder {
 public:
  Builder(const Gpu& gpu, const Branch& branch, const IndexPart& part, const TileShape& shape)
      : gpu_(gpu), branch_(branch), part_(part), shape_(shape) {}

  BranchIndex build() {
    for (size_t t = part_.first_table; t < part_.last_table; ++t)
      add_table(static_cast<uint32_t>(t));
    place_copies();
    write_slots();
    write_ranges();
    write_items();
    write_gates();
    return std::move(index_);
  }

 private:
  uint32_t here() const { return static_cast<uint32_t>(index_.size()); }
  void put(int64_t value) { index_.words.push_back(static_cast<uint32_t>(value)); }

  /// Row of the job's query buffer; -1 = not part of the job.
  int32_t buffer_row(int64_t row) const {
    if (part_.query_rows.empty()) return static_cast<int32_t>(row);
    const auto& rows = part_.query_rows;
    const auto found = std::lower_bound(rows.begin(), rows.end(), row);
    return found != rows.end() && *found == row ? static_cast<int32_t>(found - rows.begin()) : -1;
  }

  /// Where all slots' rows lie in the device's own query orders, they are never looked at here.
  bool rows_on_device() const {
    if (branch_.repeats_queries || !part_.query_rows.empty()) return false;
    const auto begin = branch_.tables.begin();
    return std::all_of(begin + part_.first_table, begin + part_.last_table,
                       [&](const HeadTable& t) { return on_device(t.query_order) != nullptr; });
  }

  template <class T>
  const Buffer* on_device(const std::shared_ptr<const List<T>>& list) const {
    return list ? resident_on(gpu_, list->resident()) : nullptr;
  }

  void add_table(uint32_t t) {
    const HeadTable& table = branch_.tables[t];
    std::vector<int32_t> occurrences;
    if (branch_.repeats_queries) {
      int64_t rows = 0;
      for (const Segment& s : table.segments)
        for (int32_t p = s.query_begin; p < s.query_end; ++p)
          rows = std::max(rows, table.query_row(p) + 1);
      occurrences.resize(rows);
    }
    for (const Segment& segment : table.segments) {
      const auto begin = table.ranges.begin() + segment.range_begin;
      const auto end = table.ranges.begin() + segment.range_end;
      if (std::all_of(begin, end, [](const KeyRange& r) { return r.begin == r.end; })) continue;
      if (rows_on_device_) {
        add_device_rows(t, table, segment);
        continue;
      }
      std::map<int32_t, std::vector<Slot>> by_round;
      for (int32_t p = segment.query_begin; p < segment.query_end; ++p) {
        const int64_t row = table.query_row(p);
        const int32_t round = occurrences.empty() ? 0 : occurrences[row]++;
        if (const int32_t own = buffer_row(row); own >= 0) by_round[round].push_back({own, p});
      }
      for (const auto& [round, slots] : by_round) add_items(t, table, segment, round, slots);
    }
  }

  void add_device_rows(uint32_t t, const HeadTable& table, const Segment& segment) {
    const int32_t count = segment.query_end - segment.query_begin;
    index_.copies.push_back({on_device(table.query_order), segment.query_begin, count,
                             static_cast<uint32_t>(slots_.size())});
    std::vector<Slot> slots(count);
    for (int32_t i = 0; i < count; ++i) slots[i].position = segment.query_begin + i;
    add_items(t, table, segment, 0, slots);
  }

  void add_items(uint32_t t, const HeadTable& table, const Segment& segment, int32_t round,
                 const std::vector<Slot>& slots) {
    if (static_cast<int32_t>(items_.size()) <= round) items_.resize(round + 1);
    const uint32_t first_range = range_offset(t);
    for (size_t i = 0; i < slots.size(); i += shape_.queries()) {
      const size_t count = std::min<size_t>(shape_.queries(), slots.size() - i);
      const int64_t keys =
          tile_keys(table, segment, slots[i].position, slots[i + count - 1].position);
      const int64_t padded = (keys + shape_.keys() - 1) / shape_.keys() * shape_.keys();
      items_[round].push_back({t, static_cast<uint32_t>(slots_.size() + i),
                               static_cast<uint32_t>(count), first_range + segment.range_begin,
                               first_range + segment.range_end, padded * shape_.queries()});
    }
    slots_.insert(slots_.end(), slots.begin(), slots.end());
  }

  uint32_t range_offset(uint32_t t) const {
    uint32_t offset = 0;
    for (size_t i = part_.first_table; i < t; ++i)
      offset += static_cast<uint32_t>(branch_.tables[i].ranges.size());
    return offset;
  }

  /// The lists that lie on the device come first, so that the host's words are one piece.
  void place_copies() {
    uint32_t word = 1;  // no list begins at word 0, which means "identity"
    const auto place = [&](int64_t count) {
      return std::exchange(word, word + static_cast<uint32_t>(count));
    };
    if (rows_on_device_) {
      index_.rows = place(static_cast<int64_t>(slots_.size()));
      for (BranchIndex::Copy& copy : index_.copies) copy.word += index_.rows;
    }
    const auto copy_whole = [&](const Buffer* from, size_t size) {
      const auto count = static_cast<int64_t>(size);
      return index_.copies.emplace_back(BranchIndex::Copy{from, 0, count, place(count)}).word;
    };
    for (size_t t = part_.first_table; t < part_.last_table; ++t) {
      const Order& order = branch_.tables[t].key_order;
      if (const Buffer* from = on_device(order); from && !orders_.contains(order.get()))
        orders_[order.get()] = copy_whole(from, order->size());
    }
    if (const Buffer* from = on_device(branch_.token_weight))
      index_.weight = copy_whole(from, branch_.token_weight->size());
    index_.first_word = word;
  }

  void write_slots() {
    if (!rows_on_device_) {
      index_.rows = here();
      for (const Slot& s : slots_) put(s.row);
    }
    index_.positions = index_.rows;  // only bands look at them
    if (!banded()) return;
    index_.positions = here();
    for (const Slot& s : slots_) put(s.position);
  }

  bool banded() const {
    const auto begin = branch_.tables.begin();
    return std::any_of(begin + part_.first_table, begin + part_.last_table,
                       [](const HeadTable& table) {
                         return std::any_of(table.ranges.begin(), table.ranges.end(),
                                            [](const KeyRange& range) { return range.banded(); });
                       });
  }

  void write_ranges() {
    index_.ranges = here();
    for (size_t t = part_.first_table; t < part_.last_table; ++t)
      for (const KeyRange& r : branch_.tables[t].ranges)
        for (int32_t value : {r.begin, r.end, r.band_low, r.band_high}) put(value);
  }

  /// Word of a key order; an order that tables share is written once.
  uint32_t key_order(uint32_t table) {
    const Order& order = branch_.tables[table].key_order;
    if (!order) return 0;
    const auto [found, fresh] = orders_.emplace(order.get(), here());
    if (fresh) index_.words.insert(index_.words.end(), order->begin(), order->end());
    return found->second;
  }

  void write_items() {
    for (auto& round : items_) {
      std::stable_sort(round.begin(), round.end(), [](const Item& a, const Item& b) {
        return a.table != b.table ? a.table < b.table : a.cost > b.cost;
      });
      std::vector<BranchIndex::Group>& groups = index_.rounds.emplace_back();
      std::map<uint32_t, uint32_t> keys;
      for (const Item& item : round) keys.emplace(item.table, key_order(item.table));
      for (const Item& item : round) {
        if (groups.empty() || groups.back().table != item.table)
          groups.push_back({item.table, here(), {}});
        groups.back().cost.push_back(item.cost);
        index_.cost += item.cost;
        for (uint32_t word : {item.table, item.slot, item.count, item.range_begin, item.range_end,
                              keys[item.table]})
          put(word);
      }
    }
  }

  void write_gates() {
    if (!branch_.output_map.empty()) {
      index_.map = here();
      for (size_t t = part_.first_table; t < part_.last_table; ++t)
        for (int64_t i = part_.first_token; i < part_.last_token; ++i) {
          const int32_t row = branch_.output_map[t][i];
          put(row < 0 ? -1 : buffer_row(row));
        }
    }
    if (branch_.key_bias) {
      index_.bias = here();
      for (float b : branch_.key_bias_in_log2()) index_.words.push_back(std::bit_cast<uint32_t>(b));
    }
    if (!branch_.token_weight || index_.weight != BranchIndex::kNone) return;
    index_.weight = here();
    for (float w : *branch_.token_weight) index_.words.push_back(std::bit_cast<uint32_t>(w));
  }

  const Gpu& gpu_;
  const Branch& branch_;
  const IndexPart& part_;
  const TileShape& shape_;
  const bool rows_on_device_ = rows_on_device();
  std::vector<Slot> slots_;
  std::vector<std::vector<Item>> items_;  ///< by round
  std::map<const void*, uint32_t> orders_;
  BranchIndex index_;
};

}  // namespace

BranchIndex build_index(const Gpu& gpu, const Branch& branch, const IndexPart& part,
                        const TileShape& shape) {
  return Builder(gpu, branch, part, shape).build();
}

Buffer upload(Gpu& gpu, const BranchIndex& index, const std::string& what) {
  Buffer buffer = gpu.allocate(index.size() * 4, what);
  const auto* words = reinterpret_cast<const std::byte*>(index.words.data());
  gpu.write(
      buffer, static_cast<int64_t>(index.words.size() * 4), 4,
      [&](std::byte* to, int64_t first, int64_t size) { std::memcpy(to, words + first, size); },
      int64_t{index.first_word} * 4);
  for (const BranchIndex::Copy& copy : index.copies)
    gpu.copy(*copy.from, copy.first * 4, buffer, int64_t{copy.word} * 4, copy.count * 4);
  return buffer;
}

int64_t index_bytes_at_most(const Branch& branch) {
  constexpr int64_t kSmallestTile = 16;
  int64_t words = 1;
  for (const auto& list : {branch.token_weight, branch.key_bias})
    if (list) words += static_cast<int64_t>(list->size());
  for (const HeadTable& table : branch.tables) {
    for (const Segment& s : table.segments) {
      const int64_t queries = s.query_end - s.query_begin;
      // Repeated rows spread a segment over rounds: up to one item per query.
      const int64_t items =
          branch.repeats_queries ? queries : (queries + kSmallestTile - 1) / kSmallestTile;
      words += 2 * queries + items * kItemWords;
    }
    words += 4 * static_cast<int64_t>(table.ranges.size());
    if (table.key_order) words += static_cast<int64_t>(table.key_order->size());
  }
  for (const auto& map : branch.output_map) words += static_cast<int64_t>(map.size());
  return 4 * words;
}

std::vector<int32_t> rows_of_tokens(const Branch& branch, size_t table, int64_t first,
                                    int64_t last) {
  std::vector<int32_t> rows(last - first);
  std::iota(rows.begin(), rows.end(), static_cast<int32_t>(first));
  if (branch.output_map.empty()) return rows;
  const auto& map = branch.output_map[table];
  rows.assign(map.begin() + first, map.begin() + last);
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  if (!rows.empty() && rows.front() < 0) rows.erase(rows.begin());
  return rows;
}

}  // namespace vidattn::vulkan
