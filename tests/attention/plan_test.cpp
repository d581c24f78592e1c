#include "attention/plan.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "attention/error.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

constexpr int64_t kLength = 12, kHeads = 4, kDim = 8;

TEST(Plan, PositionsAreRefusedBefore32BitsOverflow) {
  EXPECT_EQ(position_after(0x7fffffff), 0x7fffffff);
  EXPECT_THROW(position_after(0x80000000), InputError);
  EXPECT_THROW(position_after(uint64_t{1} << 40), InputError);
}

Inputs inputs() {
  Generator random(1);
  return random_inputs(kLength, kLength, kHeads, 2, kDim, random);
}

std::shared_ptr<const Tensor> tensor(int64_t length, int64_t heads, int64_t dim = kDim) {
  return std::make_shared<const Tensor>(length, heads, dim);
}

template <class T>
std::shared_ptr<const Array> channel_weights(std::vector<int64_t> shape) {
  Array array{std::move(shape), {}};
  array.values = std::vector<T>(array.size(), 1);
  return std::make_shared<const Array>(std::move(array));
}

/// Valid, and with something for every rule to break.
Plan valid_plan() {
  HeadTable table;
  table.query_order = make_order({3, 1, 2, 0});
  table.key_order = make_order({5, 4, 6, 7, 11});
  table.add(0, 2, {{0, 2}, {3, 5, -1, 4}});
  table.add(2, 4, {{0, 5}});
  Branch branch{.name = "broken", .tables = {table, table}};
  branch.token_weight = make_list(std::vector<float>(kLength, 1));
  branch.channel_weight = channel_weights<float>({kLength, kHeads, kDim});
  branch.output_map.assign(2, std::vector<int32_t>(kLength, -1));
  Plan plan = one_branch(branch);
  plan.constant = tensor(kLength, kHeads);
  return plan;
}

/// A valid plan on its way to a broken one.
struct Draft {
  Plan plan = valid_plan();
  Branch& branch = plan.branches[0];
  Operands& prepared = branch.prepared;
  HeadTable& table = branch.tables[1];
};

/// A valid branch, while the draft's own becomes one that is joined and has no weights.
Branch joined_partner(Draft& d) {
  d.branch.token_weight = nullptr;
  d.branch.channel_weight = nullptr;
  Branch partner = d.branch;
  partner.name = "partner";
  d.branch.joined = true;
  return partner;
}

/// One way to break one rule of Plan::validate.
struct Broken {
  const char *name, *message;
  void (*change)(Draft& d);
};

const Broken kBroken[] = {
    {"OrderBelowZero", "an order leaves the tensor",
     [](Draft& d) {
       d.table.query_order = make_order({3, 1, -1, 0});
     }},
    {"QueryOrderBeyondTheQueries", "an order leaves the tensor",
     [](Draft& d) {
       d.table.query_order = make_order({3, 1, kLength, 0});
     }},
    {"KeyOrderBeyondTheKeys", "an order leaves the tensor",
     [](Draft& d) {
       d.table.key_order = make_order({5, 4, 6, 7, kLength});
     }},
    {"KeyOrderBeyondPreparedKeys", "an order leaves the tensor",
     [](Draft& d) { d.prepared.k = d.prepared.v = tensor(11, 2); }},
    {"SegmentBeforeTheQueries", "a segment leaves the query order",
     [](Draft& d) { d.table.segments[0].query_begin = -1; }},
    {"SegmentBackwards", "a segment leaves the query order",
     [](Draft& d) { d.table.segments[0].query_end = -1; }},
    {"SegmentBeyondTheOrder", "a segment leaves the query order",
     [](Draft& d) { d.table.segments[1].query_end = 5; }},
    {"SegmentBeyondTheQueries", "a segment leaves the query order",
     [](Draft& d) {
       d.table.query_order = nullptr;
       d.table.segments[1].query_end = kLength + 1;
     }},
    {"RangesBelowZero", "a segment leaves the ranges",
     [](Draft& d) { d.table.segments[0].range_begin = -1; }},
    {"RangesBackwards", "a segment leaves the ranges",
     [](Draft& d) { d.table.segments[1].range_end = 1; }},
    {"RangesBeyondTheTable", "a segment leaves the ranges",
     [](Draft& d) { d.table.segments[1].range_end = 4; }},
    {"QueryInTwoSegments", "a query row is repeated",
     [](Draft& d) { d.table.segments[1].query_begin = 1; }},
    {"QueryTwiceInTheOrder", "a query row is repeated",
     [](Draft& d) {
       d.table.query_order = make_order({3, 1, 3, 0});
     }},
    {"RangeBelowZero", "a range leaves the key order",
     [](Draft& d) { d.table.ranges[0].begin = -1; }},
    {"RangeBackwards", "a range leaves the key order", [](Draft& d) { d.table.ranges[1].end = 2; }},
    {"RangeBeyondTheOrder", "a range leaves the key order",
     [](Draft& d) { d.table.ranges[2].end = 6; }},
    {"RangeBeyondTheKeys", "a range leaves the key order",
     [](Draft& d) {
       d.table.key_order = nullptr;
       d.table.ranges[2].end = kLength + 1;
     }},
    {"KeysTwiceInASegment", "the key ranges of a segment overlap",
     [](Draft& d) { d.table.ranges[0].end = 4; }},
    {"KeysTwiceInTheOtherOrder", "the key ranges of a segment overlap",
     [](Draft& d) {
       d.table.ranges[0] = {3, 5};
       d.table.ranges[1] = {0, 4};
     }},
    {"KeysTwiceInOneOfManyRanges", "the key ranges of a segment overlap",
     [](Draft& d) { d.table.segments[0].range_end = 3; }},
    {"BandsThatMeet", "the key ranges of a segment overlap",
     [](Draft& d) {
       d.table.ranges[0] = {0, 5, KeyRange::kNoLow, 1};
       d.table.ranges[1] = {0, 5, 1, KeyRange::kNoHigh};
     }},
    {"KeyRowTwiceInASegment", "a segment sees a key row twice",
     [](Draft& d) {
       d.table.key_order = make_order({5, 4, 6, 7, 5});
     }},
    {"SegmentsOfAQueryShareKeys", "two segments of a query share keys",
     [](Draft& d) {
       d.branch.repeats_queries = true;
       d.table.add(3, 4, {{4, 5}});
     }},
    {"KeysAndValuesOfOtherLengths", "keys and values differ in length",
     [](Draft& d) { d.prepared.k = tensor(kLength + 1, 2); }},
    {"PreparedQueriesWithOtherHeads", "prepared queries have other heads",
     [](Draft& d) { d.prepared.q = tensor(kLength, 2); }},
    {"KeyHeadsThatDoNotDivide", "key heads do not divide the query heads",
     [](Draft& d) { d.prepared.k = d.prepared.v = tensor(kLength, 3); }},
    {"NoKeyHeads", "key heads do not divide the query heads",
     [](Draft& d) { d.prepared.k = d.prepared.v = tensor(kLength, 0); }},
    {"KeysAndValuesWithOtherHeads", "key heads do not divide the query heads",
     [](Draft& d) { d.prepared.v = tensor(kLength, 4); }},
    {"QueriesWithAnotherDim", "prepared tensors have another head dimension",
     [](Draft& d) { d.prepared.q = tensor(kLength, kHeads, 2 * kDim); }},
    {"KeysWithAnotherDim", "prepared tensors have another head dimension",
     [](Draft& d) { d.prepared.k = tensor(kLength, 2, kDim / 2); }},
    {"ValuesWithAnotherDim", "prepared tensors have another head dimension",
     [](Draft& d) { d.prepared.v = tensor(kLength, 2, kDim / 2); }},
    {"NoTables", "the number of tables does not divide the heads",
     [](Draft& d) { d.branch.tables.clear(); }},
    {"ThreeTablesForFourHeads", "the number of tables does not divide the heads",
     [](Draft& d) { d.branch.tables.resize(3); }},
    {"MoreTablesThanHeads", "the number of tables does not divide the heads",
     [](Draft& d) { d.branch.tables.resize(8); }},
    {"TokenWeightsOfAnotherLength", "token weights do not fit",
     [](Draft& d) { d.branch.token_weight = make_list(std::vector<float>(kLength + 1)); }},
    {"ChannelWeightsOfAnotherSize", "channel weights do not fit",
     [](Draft& d) { d.branch.channel_weight = channel_weights<float>({kDim}); }},
    {"ChannelWeightsThatAreIntegers", "channel weights are not float32",
     [](Draft& d) {
       d.branch.channel_weight = channel_weights<int32_t>({kLength, kHeads, kDim});
     }},
    {"OneOutputMapForTwoTables", "one output map per table",
     [](Draft& d) { d.branch.output_map.resize(1); }},
    {"PooledQueriesWithoutAMap", "prepared queries of another length need an output map",
     [](Draft& d) {
       d.prepared.q = tensor(6, kHeads);
       d.branch.output_map.clear();
     }},
    {"OutputMapTooShort", "an output map has no entry per token",
     [](Draft& d) { d.branch.output_map[1].pop_back(); }},
    {"OutputMapBelowMinusOne", "an output map leaves the queries",
     [](Draft& d) { d.branch.output_map[1][3] = -2; }},
    {"OutputMapBeyondTheQueries", "an output map leaves the queries",
     [](Draft& d) { d.branch.output_map[1][3] = kLength; }},
    {"OutputMapBeyondPooledQueries", "an output map leaves the queries",
     [](Draft& d) {
       d.prepared.q = tensor(6, kHeads);
       d.branch.output_map[1][3] = 6;
     }},
    {"FirstBranchJoined", "it is joined to none, or beside a constant",
     [](Draft& d) {
       d.plan.constant = nullptr;
       d.branch.joined = true;
     }},
    {"JoinedBesideAConstant", "it is joined to none, or beside a constant",
     [](Draft& d) { d.plan.branches.insert(d.plan.branches.begin(), joined_partner(d)); }},
    {"JoinedToASecondBranch", "what it is joined to does not come first",
     [](Draft& d) {
       d.plan.constant = nullptr;
       d.plan.branches.insert(d.plan.branches.begin(), 2, joined_partner(d));
     }},
    {"JoinedWithWeights", "joined branches have no weights",
     [](Draft& d) {
       d.plan.constant = nullptr;
       d.plan.branches.insert(d.plan.branches.begin(), joined_partner(d));
       d.plan.branches[1].token_weight = make_list(std::vector<float>(kLength, 1));
     }},
    {"KeyBiasOfAnotherLength", "the key bias has no entry per key",
     [](Draft& d) { d.branch.key_bias = make_list(std::vector<float>(kLength + 1)); }},
    {"ScoredPairsOfTooFewHeads", "scored pairs are not one per head",
     [](Draft& d) { d.branch.scored = {1000}; }},
    {"FewerScoredThanAttended", "it attends to more pairs than it scores",
     [](Draft& d) {
       d.branch.scored = {1000, 1000, 1000, 1};
     }},
    {"SlopeOfAnotherShape", "the slope of its values has another shape or type",
     [](Draft& d) { d.branch.value_slope = tensor(kDim, kHeads); }},
    {"SlopeWithAnOutputMap", "values with a slope need the call's own queries",
     [](Draft& d) { d.branch.value_slope = tensor(kDim, 2); }},
    {"LinearTermWithoutFeatures", "its features have another shape or type",
     [](Draft& d) { d.plan.linear.push_back({.name = "broken"}); }},
    {"LinearFeaturesOfAnotherLength", "its features have another shape or type",
     [](Draft& d) {
       d.plan.linear.push_back(
           {.name = "broken", .q = tensor(kLength, kHeads, 3), .k = tensor(kLength + 1, 2, 3)});
     }},
    {"ProjectionOfAnotherShape", "its projection has another shape",
     [](Draft& d) {
       d.plan.linear.push_back({.name = "broken",
                                .q = tensor(kLength, kHeads, 3),
                                .k = tensor(kLength, 2, 3),
                                .projection = {1, 2}});
     }},
    {"BiasOfAnotherShape", "its bias has another shape",
     [](Draft& d) {
       d.plan.linear.push_back({.name = "broken",
                                .q = tensor(kLength, kHeads, 3),
                                .k = tensor(kLength, 2, 3),
                                .bias = {1}});
     }},
};

class PlanRules : public ::testing::TestWithParam<Broken> {};

TEST_P(PlanRules, AreRefusedByName) {
  Draft draft;
  GetParam().change(draft);
  try {
    draft.plan.validate(inputs());
    FAIL() << "not refused";
  } catch (const std::logic_error& error) {
    EXPECT_EQ(error.what(), std::string("plan branch broken: ") + GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlanRules, testing::ValuesIn(kBroken),
                         [](const auto& info) { return info.param.name; });

TEST(PlanValidate, TakesTheValidPlan) { EXPECT_NO_THROW(valid_plan().validate(inputs())); }

TEST(PlanValidate, TakesKeysThatNoQuerySeesTwice) {
  Plan plan = valid_plan();
  HeadTable& table = plan.branches[0].tables[0];
  table.key_order = make_order({5, 4, 5, 4, 6});  // a row again, for other queries
  table.ranges = {{0, 2}, {0, 0}, {2, 5}};
  EXPECT_NO_THROW(plan.validate(inputs()));
  table.key_order = nullptr;
  table.ranges = {{0, 5, KeyRange::kNoLow, 0}, {0, 5, 1, KeyRange::kNoHigh}, {0, 5}};
  EXPECT_NO_THROW(plan.validate(inputs()));
  table.ranges = {{4, 6}, {0, 4}, {0, 5}};
  plan.branches[0].repeats_queries = true;
  table.add(2, 4, {{5, 12}});
  EXPECT_NO_THROW(plan.validate(inputs()));
}

TEST(PlanValidate, TakesWhatLooksOdd) {
  Plan plan = valid_plan();
  Branch& branch = plan.branches[0];
  branch.token_weight = make_list(std::vector<float>(kLength * kHeads, 1));  // per head
  branch.channel_weight = nullptr;
  branch.tables[0].add(4, 4, {});        // empty, at the end
  branch.tables[0].add(0, 4, {{5, 5}});  // queries again, allowed below
  branch.output_map[0][0] = kLength - 1;
  branch.repeats_queries = true;
  EXPECT_NO_THROW(plan.validate(inputs()));
  EXPECT_NO_THROW(Plan{}.validate(inputs()));  // a reused residual alone
}

TEST(PlanValidate, RefusesAConstantOfAnotherShape) {
  Plan plan = valid_plan();
  plan.constant = tensor(kLength, 1);
  try {
    plan.validate(inputs());
    FAIL() << "not refused";
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "plan branch constant: it has another shape");
  }
}

TEST(PlanMemory, CountsOrdersTablesGatesAndMaps) {
  Plan plan = valid_plan();
  const int64_t tables = 2 * (2 * sizeof(Segment) + 3 * sizeof(KeyRange));
  const int64_t orders = (4 + 5) * 4;  // both tables share them
  const int64_t gates = kLength * 4 + kLength * kHeads * kDim * 4;
  EXPECT_EQ(plan.index_bytes(), tables + orders + gates + 2 * kLength * 4);
  plan.branches[0].channel_weight = nullptr;
  EXPECT_EQ(plan.index_bytes(), tables + orders + kLength * 4 + 2 * kLength * 4);
}

TEST(PlanMemory, CountsBiasSlopeAndLinearTerms) {
  Plan plan = valid_plan();
  const int64_t index = plan.index_bytes(), prepared = plan.prepared_bytes();
  plan.branches[0].key_bias = make_list(std::vector<float>(kLength));
  plan.branches[0].value_slope = tensor(kDim, 2);
  plan.linear.push_back({.q = tensor(kLength, kHeads, 3),
                         .k = tensor(kLength, 2, 3),
                         .projection = std::vector<float>(kDim * kDim),
                         .bias = std::vector<float>(kDim)});
  EXPECT_EQ(plan.index_bytes(), index + 4 * kLength);
  EXPECT_EQ(plan.prepared_bytes(),
            prepared + 4 * (kDim * 2 * kDim + kLength * (kHeads + 2) * 3 + kDim * kDim + kDim));
}

TEST(PlanMemory, CountsOnceWhatBranchesShare) {
  Plan plan = valid_plan();
  const int64_t one = plan.index_bytes();
  plan.branches.push_back(plan.branches[0]);
  const int64_t tables = 2 * (2 * sizeof(Segment) + 3 * sizeof(KeyRange));
  EXPECT_EQ(plan.index_bytes(), one + tables + 2 * kLength * 4);
}

TEST(PlanMemory, CountsPreparedTensorsAndTheConstant) {
  Plan plan = valid_plan();
  EXPECT_EQ(plan.prepared_bytes(), kLength * kHeads * kDim * 4);
  plan.branches[0].prepared.k = std::make_shared<const Tensor>(kLength, 2, kDim, DType::bf16);
  EXPECT_EQ(plan.prepared_bytes(), kLength * kHeads * kDim * 4 + kLength * 2 * kDim * 2);
}

TEST(Branch, OperandsAreThePreparedOnesOrTheCalls) {
  const Inputs in = inputs();
  Branch branch;
  EXPECT_EQ(&branch.operands(in).q, in.q.get());
  EXPECT_EQ(&branch.operands(in).k, in.k.get());
  EXPECT_EQ(&branch.operands(in).v, in.v.get());
  branch.prepared = {tensor(3, kHeads), nullptr, tensor(kLength, 2)};
  EXPECT_EQ(&branch.operands(in).q, branch.prepared.q.get());
  EXPECT_EQ(&branch.operands(in).k, in.k.get());
  EXPECT_EQ(&branch.operands(in).v, branch.prepared.v.get());
}

TEST(Branch, WeightsPerTokenAndPerHead) {
  Branch branch{.weight = 0.5F};
  EXPECT_EQ(branch.weight_of(1, 1, 3, 2), 0.5F);
  branch.token_weight = make_list<float>({1, 2, 4});
  EXPECT_EQ(branch.weight_of(2, 1, 3, 2), 2);
  branch.token_weight = make_list<float>({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(branch.weight_of(2, 1, 3, 2), 3);
}

TEST(HeadTable, CountsPairsOfBands) {
  HeadTable table;
  table.add(0, 10, {{0, 10, KeyRange::kNoLow, 0}});  // causal
  EXPECT_EQ(table.pairs(), 55);
  table.add(2, 5, {{0, 4}, {7, 7}, {0, 10, 8, 9}});  // query 2 sees key 10 and 11 of 10: none
  EXPECT_EQ(table.pairs(), 55 + 12);
}

TEST(HeadTable, SharesTablesAmongHeads) {
  Branch branch{.tables = std::vector<HeadTable>(2)};
  EXPECT_EQ(branch.table_index(0, 4), 0U);
  EXPECT_EQ(branch.table_index(1, 4), 0U);
  EXPECT_EQ(branch.table_index(2, 4), 1U);
  EXPECT_EQ(branch.table_index(3, 4), 1U);
}

}  // namespace
}  // namespace vidattn
