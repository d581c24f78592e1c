#include "metrics/ranks/restricted.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// How often a table has each pair of query row and key row inside two shares.
using PairCounts = std::map<std::pair<int64_t, int64_t>, int64_t>;

PairCounts pairs_of(const HeadTable& table, Share queries, Share keys, int64_t first_query = 0,
                    int64_t first_key = 0) {
  PairCounts counts;
  for (const Segment& s : table.segments)
    for (int64_t p = s.query_begin; p < s.query_end; ++p)
      for (int32_t r = s.range_begin; r < s.range_end; ++r)
        for (int64_t n = table.ranges[r].first(p); n < table.ranges[r].last(p); ++n) {
          const int64_t query = table.query_row(p) + first_query;
          const int64_t key = table.key_row(n) + first_key;
          if (query >= queries.begin && query < queries.end && key >= keys.begin && key < keys.end)
            ++counts[{query, key}];
        }
  return counts;
}

void expect_restricted(const HeadTable& table, int64_t queries, int64_t keys) {
  const Share everything{0, int64_t{1} << 40};
  for (const int64_t ranks : {1, 2, 3, 5})
    for (int64_t r = 0; r < ranks; ++r)
      for (int64_t block = 0; block < ranks; ++block) {
        const Share own = share_of(queries, ranks, r), other = share_of(keys, ranks, block);
        const HeadTable part = restricted(table, own, other);
        EXPECT_EQ(pairs_of(part, everything, everything, own.begin, other.begin),
                  pairs_of(table, own, other))
            << "rank " << r << " of " << ranks << ", block " << block;
        for (const Segment& s : part.segments) EXPECT_LT(s.query_begin, s.query_end);
      }
}

TEST(Restricted, HasExactlyThePairsOfBothShares) {
  Generator random{5};
  for (const int32_t length : {1, 15, 17, 64, 100}) {
    expect_restricted(full_table(length, length), length, length);
    expect_restricted(ragged_table(length, length, random), length, length);
    expect_restricted(banded_table(length, length, random), length, length);
    expect_restricted(chosen_chunks(length, 6, true, random).tables[0], length, length);
  }
  expect_restricted(banded_table(70, 30, random), 70, 30);
}

TEST(Restricted, BandsUnderAnOrderBecomeRanges) {
  Generator random{6};
  for (const bool of_queries : {false, true}) {
    HeadTable table = banded_table(50, 50, random);
    (of_queries ? table.query_order : table.key_order) = make_order(shuffled(50, random));
    expect_restricted(table, 50, 50);
  }
}

TEST(Restricted, ListsOfKeysForEachQuery) {
  Generator random{7};
  HeadTable table;
  std::vector<int32_t> keys;
  for (int32_t q = 0; q < 20; ++q) {
    std::vector<int32_t> own = shuffled(20, random);
    own.resize(7);
    table.add(q, q + 1, {{7 * q, 7 * q + 7}});
    keys.insert(keys.end(), own.begin(), own.end());
  }
  table.key_order = make_order(keys);
  expect_restricted(table, 20, 20);
}

TEST(Restricted, WholeIsTheTableItself) {
  const HeadTable table = full_table(33, 33);
  const HeadTable whole = restricted(table, {0, 33}, {0, 33});
  ASSERT_EQ(whole.segments.size(), 1);
  EXPECT_EQ(whole.query_order, nullptr);
  EXPECT_EQ(whole.ranges[0].end, 33);
}

TEST(Restricted, RowsOfAllSharesInOneLook) {
  Generator random{8};
  const Order order = make_order(shuffled(23, random));
  const std::vector<Share> shares{{0, 8}, {8, 16}, {16, 23}};
  const std::vector<RowsInOrder> all = RowsInOrder::of(order, shares);
  for (size_t i = 0; i < shares.size(); ++i) {
    const RowsInOrder one(order, shares[i]);
    ASSERT_EQ(all[i].size(), one.size());
    for (int64_t p = 0; p <= 23; ++p) EXPECT_EQ(all[i].before(p), one.before(p));
  }
}

}  // namespace
}  // namespace vidattn
