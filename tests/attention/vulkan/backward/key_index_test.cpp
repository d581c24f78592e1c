#include "attention/vulkan/backward/key_index.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "tests/support/plans.h"

namespace vidattn::vulkan {
namespace {

/// (table, query row, key row), sorted.
using Pairs = std::vector<std::tuple<int64_t, int64_t, int64_t>>;

Pairs pairs_of(const Branch& branch) {
  Pairs pairs;
  for (size_t t = 0; t < branch.tables.size(); ++t) {
    const HeadTable& table = branch.tables[t];
    for (const Segment& s : table.segments)
      for (int32_t r = s.range_begin; r < s.range_end; ++r)
        for (int32_t p = s.query_begin; p < s.query_end; ++p)
          for (int64_t n = table.ranges[r].first(p); n < table.ranges[r].last(p); ++n)
            pairs.emplace_back(t, table.query_row(p), table.key_row(n));
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

/// What the kernel makes of an index.
class Walk {
 public:
  explicit Walk(const BranchIndex& index) : index_(index) {
    for (const auto& round : index.rounds) {
      std::set<std::pair<int64_t, int64_t>> written;
      for (const BranchIndex::Group& group : round)
        for (size_t i = 0; i < group.cost.size(); ++i)
          add_item(group.first_item + static_cast<uint32_t>(i) * kItemWords, written);
    }
    std::sort(pairs.begin(), pairs.end());
  }

  Pairs pairs;
  int32_t longest = 0;  ///< queries of an item

 private:
  int32_t word(uint32_t at) const {
    return static_cast<int32_t>(index_.words.at(at - index_.first_word));
  }

  void add_item(uint32_t item, std::set<std::pair<int64_t, int64_t>>& written) {
    const int32_t table = word(item), slot = word(item + 1), count = word(item + 2);
    int32_t queries = 0;
    for (int32_t r = word(item + 3); r < word(item + 4); ++r)
      queries += word(index_.ranges + 6 * r + 1) - word(index_.ranges + 6 * r);
    longest = std::max(longest, queries);
    for (int32_t s = slot; s < slot + count; ++s) {
      EXPECT_TRUE(written.emplace(table, word(index_.rows + s)).second)
          << "two items of a round write key " << word(index_.rows + s);
      for (int32_t r = word(item + 3); r < word(item + 4); ++r)
        add_pairs(table, s, index_.ranges + 6 * r, word(item + 5));
    }
  }

  void add_pairs(int32_t table, int32_t slot, uint32_t range, int32_t order) {
    const int32_t n = word(index_.positions + slot);
    if (n < word(range + 4) || n > word(range + 5)) return;
    const KeyRange queries{word(range), word(range + 1), word(range + 2), word(range + 3)};
    for (int64_t p = queries.first(n); p < queries.last(n); ++p)
      pairs.emplace_back(table, order == 0 ? p : word(order + static_cast<uint32_t>(p)),
                         word(index_.rows + slot));
  }

  const BranchIndex& index_;
};

constexpr TileShape kTile{4, 8, 4, 1};                   // 16 rows
const LoopBudget kNoLimit(0, 80), kSmallLimit(300, 80);  // 64 queries

void expect_same_pairs(const Branch& branch, int64_t keys) {
  const Pairs want = pairs_of(branch);
  EXPECT_EQ(Walk(build_key_index(branch, keys, kTile, kNoLimit)).pairs, want);
  const Walk cut(build_key_index(branch, keys, kTile, kSmallLimit));
  EXPECT_EQ(cut.pairs, want);
  EXPECT_LE(cut.longest, 64);
}

TEST(VulkanKeyIndex, HasThePairsOfItsTables) {
  Generator random(5);
  for (int32_t keys : {1, 15, 17, 130}) {
    expect_same_pairs({.tables = {full_table(150, keys), full_table(3, keys)}}, keys);
    expect_same_pairs({.tables = {ragged_table(150, keys, random)}}, keys);
    expect_same_pairs(chosen_chunks(keys, 5, true, random), keys);
  }
}

TEST(VulkanKeyIndex, TurnsBandsRound) {
  for (const KeyRange& range :
       {KeyRange{0, 100, KeyRange::kNoLow, 0}, KeyRange{0, 100, 0, KeyRange::kNoHigh},
        KeyRange{7, 93, -20, 5}, KeyRange{0, 100, 90, 120}}) {
    HeadTable table;
    table.add(0, 40, {range});
    table.add(60, 100, {range});
    expect_same_pairs({.tables = {table}}, 100);
  }
}

/// Each query has a list of keys of its own, and a band of them.
TEST(VulkanKeyIndex, KeyOrdersThatRepeatRows) {
  Generator random(5);
  std::vector<int32_t> keys;
  HeadTable table;
  for (int32_t q = 0; q < 40; ++q) {
    const auto begin = static_cast<int32_t>(keys.size());
    for (int32_t key = 0; key < 90; ++key)
      if (random() % 3 == 0) keys.push_back(key);
    const auto end = static_cast<int32_t>(keys.size());
    if (q % 2 == 0)
      table.add(q, q + 1, {{begin, end}});
    else
      table.add(q, q + 1, {{begin, end, begin - q + 3, end - q - 4}});
  }
  table.key_order = make_order(keys);
  table.query_order = make_order(shuffled(40, random));
  expect_same_pairs({.tables = {table, full_table(40, 90)}}, 90);
}

/// Groups that a tile nearly fills have tiles of their own; of smaller ones it holds several.
TEST(VulkanKeyIndex, TilesEndWithTheirGroups) {
  const auto items = [](int32_t group) {
    HeadTable table;
    for (int32_t i = 0; i < 240; i += group) table.add(i, i + group, {{i, i + group}});
    const BranchIndex index = build_key_index({.tables = {table}}, 240, kTile, kNoLimit);
    return index.rounds.at(0).at(0).cost.size();
  };
  EXPECT_EQ(items(12), 20U);
  EXPECT_EQ(items(24), 20U);  // 16 and 8
  EXPECT_EQ(items(2), 30U);   // four groups of them
}

TEST(VulkanKeyIndex, NothingIsSeen) {
  HeadTable table;
  table.add(0, 9, {});
  table.add(9, 20, {{5, 5}});
  EXPECT_TRUE(build_key_index({.tables = {table}}, 30, kTile, kNoLimit).rounds.empty());
}

}  // namespace
}  // namespace vidattn::vulkan
