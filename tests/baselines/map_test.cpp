#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"
#include "tests/support/refusal.h"

namespace vidattn::map_test {
namespace {

const Backend& map() { return find_backend("map"); }

template <class T>
void give(Inputs& in, const std::string& name, std::vector<int64_t> shape, std::vector<T> values) {
  in.extra[name] = std::make_shared<const Array>(Array{std::move(shape), std::move(values)});
}

Plan plan_of(const Inputs& in, const Settings& settings = {}) {
  Params params = map().defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  Plan plan = map().plan(in, params);
  plan.validate(in);
  return plan;
}

std::vector<int64_t> keys_of(const Plan& plan, const Inputs& in, int64_t token, int64_t head) {
  return visible_keys(plan.branches[0], in, token, head);
}

/// What it says of inputs that it refuses.
std::string refused(const Inputs& in, const Settings& settings = {}) {
  try {
    plan_of(in, settings);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// 19 queries in blocks of 8 and 10 keys in blocks of 4: 3 x 3 blocks of 2 heads.
struct Lists {
  static constexpr int64_t kQueries = 19, kKeys = 10;
  std::vector<std::vector<std::vector<int32_t>>> kept{{{0, 2}, {1}, {}}, {{2, 1, 0}, {0}, {2}}};

  Inputs inputs() const {
    Generator random{1};
    return random_inputs(kQueries, kKeys, 2, 1, 16, random);
  }
  std::vector<uint8_t> map() const {
    std::vector<uint8_t> all(2 * 3 * 3);
    for (size_t h = 0; h < 2; ++h)
      for (size_t a = 0; a < 3; ++a)
        for (int32_t b : kept[h][a]) all[(h * 3 + a) * 3 + b] = 1;
    return all;
  }
  void expect_plan(const Inputs& in, const Settings& settings = {}) const {
    const Plan plan = plan_of(in, settings);
    const auto all = map();
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < kQueries; ++i) {
        std::vector<int64_t> expected;
        for (int64_t j = 0; j < kKeys; ++j)
          if (all[(h * 3 + i / 8) * 3 + j / 4]) expected.push_back(j);
        EXPECT_EQ(keys_of(plan, in, i, h), expected) << h << " " << i;
      }
  }
};

TEST(Map, TakesTheSameMaskInEveryForm) {
  const Lists lists;
  const Settings sizes{{"block_q", "8"}, {"block_k", "4"}};
  Inputs in = lists.inputs();
  give<uint8_t>(in, "block_map", {2, 3, 3}, lists.map());
  lists.expect_plan(in, sizes);
  lists.expect_plan(in);  // 8 and 4 are the powers of two that fit
  give<uint8_t>(in, "block_map", {1, 2, 3, 3}, lists.map());  // a batch of one
  lists.expect_plan(in, sizes);
  in = lists.inputs();
  std::vector<int32_t> index, count, indptr, indices;
  for (const auto& head : lists.kept) {
    indptr.push_back(static_cast<int32_t>(indices.size()));
    for (const auto& row : head) {
      count.push_back(static_cast<int32_t>(row.size()));
      for (size_t i = 0; i < 3; ++i) index.push_back(i < row.size() ? row[i] : -1);
      indices.insert(indices.end(), row.begin(), row.end());
      indptr.push_back(static_cast<int32_t>(indices.size()));
    }
  }
  give(in, "block_index", {2, 3, 3}, index);
  lists.expect_plan(in, sizes);
  std::replace(index.begin(), index.end(), -1, 77);  // whatever stands behind the count
  give(in, "block_index", {1, 2, 3, 3}, index);
  give(in, "block_count", {2, 3}, count);
  lists.expect_plan(in, sizes);
  in = lists.inputs();
  give(in, "block_indptr", {2, 4}, indptr);
  give(in, "block_indices", {static_cast<int64_t>(indices.size())}, indices);
  lists.expect_plan(in, sizes);
  const int32_t first = indptr[3];
  for (size_t i = 4; i < 8; ++i) indptr[i] -= first;  // each head from 0
  give(in, "block_indptr", {2, 4}, indptr);
  lists.expect_plan(in, sizes);
  indices = {0, 2, 1, 9, 9, 2, 1, 0, 0, 2};  // rows of 5, filled up
  give(in, "block_indices", {2, 5}, indices);
  lists.expect_plan(in, sizes);
}

TEST(Map, TakesListsOfThreeHeadsOneBehindTheOther) {
  for (const bool from_zero : {true, false}) {
    Inputs in = random_inputs(4, 3, 8);
    give<int32_t>(in, "block_indices", {6}, {1, 0, 1, 0, 0, 1});
    give<int32_t>(in, "block_indptr", {3, 3},
                  from_zero ? std::vector<int32_t>{0, 1, 1, 0, 2, 3, 0, 1, 2}
                            : std::vector<int32_t>{0, 1, 1, 1, 3, 4, 4, 5, 6});
    const Plan plan = plan_of(in, {{"block_k", "2"}});
    EXPECT_EQ(keys_of(plan, in, 0, 0), (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(keys_of(plan, in, 3, 0), std::vector<int64_t>{});
    EXPECT_EQ(keys_of(plan, in, 0, 1), (std::vector<int64_t>{0, 1, 2, 3}));
    EXPECT_EQ(keys_of(plan, in, 3, 1), (std::vector<int64_t>{0, 1}));
    EXPECT_EQ(keys_of(plan, in, 0, 2), (std::vector<int64_t>{0, 1}));
    EXPECT_EQ(keys_of(plan, in, 3, 2), (std::vector<int64_t>{2, 3}));
  }
}

TEST(Map, TakesAMaskOfPairs) {
  const Lists lists;
  Inputs in = lists.inputs();
  std::vector<uint8_t> pairs;
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t i = 0; i < Lists::kQueries; ++i)
      for (int64_t j = 0; j < Lists::kKeys; ++j)
        pairs.push_back(lists.map()[(h * 3 + i / 8) * 3 + j / 4]);
  give(in, "pair_mask", {2, Lists::kQueries, Lists::kKeys}, pairs);
  lists.expect_plan(in);
  EXPECT_EQ(plan_of(in).branches[0].tables[0].segments.size(), 3U);  // equal rows are one
  pairs.resize(Lists::kQueries * Lists::kKeys);
  give(in, "pair_mask", {Lists::kQueries, Lists::kKeys}, pairs);
  EXPECT_EQ(plan_of(in).branches[0].tables.size(), 1U);
}

TEST(Map, FollowsTheOrdersAndTheSizes) {
  Inputs in = random_inputs(7, 2, 8);
  give<uint8_t>(in, "block_map", {1, 2, 2}, {1, 0, 1, 1});
  give<int32_t>(in, "query_sizes", {2}, {3, 4});
  give<int32_t>(in, "key_sizes", {2, 2}, {2, 5, 6, 1});
  give<int32_t>(in, "token_order", {7}, {6, 5, 4, 3, 2, 1, 0});
  const Plan plan = plan_of(in);
  EXPECT_EQ(keys_of(plan, in, 6, 0), (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(keys_of(plan, in, 4, 1), (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(keys_of(plan, in, 3, 0).size(), 7U);
  give<int32_t>(in, "key_order", {2, 7}, {0, 1, 2, 3, 4, 5, 6, 3, 0, 1, 2, 4, 5, 6});
  const Plan own = plan_of(in);
  EXPECT_EQ(keys_of(own, in, 6, 0), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(keys_of(own, in, 6, 1), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST(Map, InfersTheSizeOfBlocksWhereItIsPlain) {
  const auto segments = [](int64_t length, int64_t blocks) {
    Inputs in = random_inputs(length, 1, 8);
    give(in, "block_map", {1, blocks, blocks},
         std::vector<uint8_t>(static_cast<size_t>(blocks * blocks), 1));
    return plan_of(in).branches[0].tables[0].segments[0].query_end;
  };
  EXPECT_EQ(segments(1, 1), 1);
  EXPECT_EQ(segments(17, 1), 17);
  EXPECT_EQ(segments(15, 8), 2);
  EXPECT_EQ(segments(1000, 16), 64);  // 63 to 66 would fit
  EXPECT_EQ(segments(1000, 8), 128);
}

TEST(Map, RefusesContradictionsInOneLine) {
  const Lists lists;
  Inputs in = lists.inputs();
  EXPECT_EQ(refused(in),
            "map needs a mask: map:FILE, or one of block_map, block_index, block_indptr and "
            "pair_mask");
  give<uint8_t>(in, "block_map", {2, 3, 3}, lists.map());
  EXPECT_EQ(refused(in, {{"block_q", "4"}}),
            "map: the mask has 3 query blocks, block_q=4 of 19 tokens makes 5");
  Inputs both = in;
  give<uint8_t>(both, "pair_mask", {19, 10}, std::vector<uint8_t>(190));
  EXPECT_EQ(refused(both), "map: both block_map and pair_mask are given");
  Inputs odd = lists.inputs();
  give<uint8_t>(odd, "block_map", {3, 3, 3}, std::vector<uint8_t>(27));
  EXPECT_EQ(refused(odd),
            "map: block_map has shape [3,3,3], but with 2 heads it must be [H,NQ,NK]");
  give<uint8_t>(odd, "block_map", {1, 18, 3}, std::vector<uint8_t>(54));
  EXPECT_EQ(refused(odd),
            "map: no size of blocks makes 18 blocks of 19 query tokens: give query_sizes");
  give<uint8_t>(odd, "block_map", {1, 1, 1}, {2});
  EXPECT_EQ(refused(odd), "map: block_map is 0 or 1, but has a 2");
  give<float>(odd, "block_map", {1, 1, 1}, {1});
  EXPECT_NE(refused(odd), "");
  Inputs index = lists.inputs();
  give<int32_t>(index, "block_index", {3, 2}, {0, 1, 0, 1, 2, 2});
  EXPECT_EQ(refused(index),
            "map: lists of blocks do not say how large the key blocks are: give block_k");
  EXPECT_EQ(refused(index, {{"block_k", "4"}}),
            "map: block_index names key block 2 twice for query block 2");
  EXPECT_EQ(refused(index, {{"block_k", "8"}}),
            "map: block_index names key block 2, but there are 2");
  give<int32_t>(index, "block_count", {3}, {2, 3, 1});
  EXPECT_EQ(refused(index, {{"block_k", "4"}}), "map: block_count has 3, but lists have 2 entries");
  Inputs csr = lists.inputs();
  give<int32_t>(csr, "block_indptr", {4}, {0, 2, 1, 3});
  give<int32_t>(csr, "block_indices", {3}, {0, 1, 0});
  EXPECT_EQ(refused(csr, {{"block_k", "4"}}),
            "map: block_indptr descends from 2 to 1 at query block 1");
  give<int32_t>(csr, "block_indptr", {4}, {0, 3, 2, 3});
  EXPECT_EQ(refused(csr, {{"block_k", "4"}}),
            "map: block_indptr descends from 3 to 2 at query block 1")
      << "not that block 0 stands twice";
  give<int32_t>(csr, "block_indptr", {4}, {0, 2, 3, 5});
  EXPECT_EQ(refused(csr, {{"block_k", "4"}}),
            "map: block_indptr ends query block 2 at 5, but there are only 3 block_indices");
  give<int32_t>(csr, "block_indptr", {2, 4}, {0, 1, 2, 3, 0, 1, 1, 1});
  EXPECT_EQ(refused(csr, {{"block_k", "4"}}),
            "map: block_indptr ends query block 0 at 1, but there are only 0 block_indices for "
            "head 1");
  give<int32_t>(csr, "block_indptr", {0}, {});
  EXPECT_EQ(refused(csr, {{"block_k", "4"}}), "map: block_indptr has no query block");
  give<int32_t>(csr, "block_indptr", {4}, {2, 2, 2, 3});
  EXPECT_EQ(refused(csr, {{"block_k", "4"}}), "map: block_indptr begins with 2");
  Inputs sized = in;
  give<int32_t>(sized, "key_sizes", {11}, std::vector<int32_t>(11));
  EXPECT_EQ(refused(sized), "map: the mask has 3 key blocks, key_sizes makes 11");
  sized = in;
  give<int32_t>(sized, "query_sizes", {3}, {8, 8, 4});
  EXPECT_EQ(refused(sized), "map: query_sizes adds up to 20, but there are 19 query tokens");
  give<int32_t>(sized, "query_sizes", {3}, {30, -20, 9});
  EXPECT_EQ(refused(sized), "map: query_sizes has a negative size, -20 of block 1");
  EXPECT_EQ(refused(sized, {{"block_q", "8"}}), "map: both query_sizes and block_q are given");
  Inputs ordered = in;
  give<int32_t>(ordered, "token_order", {19}, std::vector<int32_t>(19));
  EXPECT_EQ(refused(ordered), "map: token_order is no order of all tokens: it has 0 twice");
  Inputs pairs = lists.inputs();
  give<uint8_t>(pairs, "pair_mask", {19, 19}, std::vector<uint8_t>(19 * 19));
  EXPECT_EQ(refused(pairs), "map: pair_mask is of 19 queries and 19 keys, but there are 19 and 10");
}

}  // namespace
}  // namespace vidattn::map_test
