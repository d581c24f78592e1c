#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "attention/backend.h"
#include "attention/terms/joined.h"
#include "tests/support/every_device.h"

namespace vidattn {
namespace {

/// Everything that a plan can say.
class DevicePlans : public EveryDevice {};

TEST_P(DevicePlans, RaggedGathers) {
  for (int64_t dim : {16, 24, 128}) {
    const Inputs in = random_inputs(333, 333, 2, 2, dim, random);
    expect_matches(one_branch({.tables = {ragged_table(333, 333, random)}}), in);
  }
}

TEST_P(DevicePlans, TablePerHeadAndSharedKeyHeads) {
  const Inputs in = random_inputs(200, 200, 4, 2, 32, random);
  const Inputs one_key_head = random_inputs(200, 200, 4, 1, 32, random);
  std::vector<HeadTable> tables;
  for (int t = 0; t < 4; ++t) tables.push_back(ragged_table(200, 200, random));
  expect_matches(one_branch({.tables = tables}), in);
  tables.resize(2);
  expect_matches(one_branch({.tables = tables}), one_key_head);
}

TEST_P(DevicePlans, Bands) {
  const KeyRange causal{0, 400, KeyRange::kNoLow, 0};
  const KeyRange window{0, 400, -20, 20};
  const KeyRange far{0, 400, 150, 170};  // the last queries see nothing
  const Inputs in = random_inputs(400, 400, 1, 1, 32, random);
  for (const KeyRange& range : {causal, window, far}) {
    HeadTable table;
    table.add(0, 400, {range});
    expect_matches(one_branch({.tables = {table}}), in);
  }
  HeadTable mixed;
  mixed.key_order = make_order(shuffled(400, random));
  mixed.add(3, 4, {{0, 100, -2, 40}, {300, 400}});
  mixed.add(5, 5, {{0, 400}});
  mixed.add(6, 8, {});
  mixed.add(10, 390, {{0, 100, -2, 40}, {150, 160}, {170, 170}, {200, 400, -7, KeyRange::kNoHigh}});
  expect_matches(one_branch({.tables = {mixed}}), in);
}

TEST_P(DevicePlans, GroupsOfOneTokenAndEmptyGroups) {
  const Inputs in = random_inputs(90, 90, 2, 2, 64, random);
  HeadTable table;
  for (int32_t i = 0; i < 90; ++i) {
    table.add(i, i + 1, {{i, i + 1}});
    table.add(i + 1, i + 1, {{i + 1, i + 1}});
  }
  table.query_order = table.key_order = make_order(shuffled(90, random));
  expect_matches(one_branch({.tables = {table}}), in);
}

TEST_P(DevicePlans, FewQueriesPerSegment) {
  const Inputs in = random_inputs(60, 300, 2, 2, 64, random);
  HeadTable table;
  std::vector<int32_t> keys;
  for (int32_t q = 0; q < 60;) {
    const int32_t end = std::min<int32_t>(60, q + 1 + static_cast<int32_t>(random() % 5));
    const auto first = static_cast<int32_t>(keys.size());
    const auto own = shuffled(300, random);
    keys.insert(keys.end(), own.begin(), own.begin() + static_cast<int64_t>(random() % 300));
    table.add(q, end, {{first, static_cast<int32_t>(keys.size())}});
    q = end;
  }
  table.key_order = make_order(keys);
  expect_matches(one_branch({.tables = {table}}), in);
}

TEST_P(DevicePlans, KeyBias) {
  for (int64_t dim : {16, 24, 128}) {
    const Inputs in = random_inputs(133, 190, 4, 2, dim, random);
    std::vector<float> bias(190);
    for (float& b : bias) b = static_cast<float>(random() % 700) * 0.01F;
    const auto list = make_list(bias);
    expect_matches(one_branch({.key_bias = list, .tables = {ragged_table(133, 190, random)}}), in);
    HeadTable few;  // of the path for few queries, and with bands
    few.key_order = make_order(shuffled(190, random));
    few.add(0, 3, {{5, 180}});
    few.add(3, 90, {{0, 190, -20, 40}});
    expect_matches(one_branch({.key_bias = list, .tables = {few}}), in);
  }
}

TEST_P(DevicePlans, BiasOfOneValueMovesTheLseAlone) {
  const Inputs in = random_inputs(40, 40, 1, 1, 32, random);
  Plan plan = one_branch({.tables = {full_table(40, 40)}});
  Output without, with;
  device->run(plan, in, without);
  plan.branches[0].key_bias = make_list(std::vector<float>(40, 1.5F));
  device->run(plan, in, with);
  for (size_t i = 0; i < 40; ++i) EXPECT_NEAR(with.lse[0][i], without.lse[0][i] + 1.5, 1e-5);
  EXPECT_LT(relative_l2(with.o, without.o), 1e-6);
}

/// A softmax over all keys, cut into three branches of shuffled keys.
TEST_P(DevicePlans, JoinedBranchesAreOneSoftmax) {
  for (DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    Inputs in = random_inputs(77, 77, 2, 1, 32, random);
    for (auto* tensor : {&in.q, &in.k, &in.v})
      *tensor = std::make_shared<const Tensor>((*tensor)->to(dtype));
    const Order keys = make_order(shuffled(77, random));
    Plan plan;
    for (const auto& [begin, end] : random_parts(77, 3, random)) {
      HeadTable table;
      table.key_order = keys;
      table.add(0, 77, {{begin, end}});
      plan.branches.push_back({.joined = !plan.branches.empty(), .tables = {table}});
    }
    ASSERT_NO_THROW(plan.validate(in));
    expect_matches(plan, in, 2 * limit(dtype));
    Output joined, whole;
    device->run(plan, in, joined);
    device->run(one_branch({.tables = {full_table(77, 77)}}), in, whole);
    EXPECT_LT(relative_l2(joined.o, whole.o), 3 * limit(dtype));
    const std::vector<float> lse = joined_lse(plan, joined, 1);
    for (size_t i = 0; i < lse.size(); ++i) EXPECT_NEAR(lse[i], whole.lse[0][i], 1e-4);
  }
}

TEST_P(DevicePlans, JoinedBranchesWithoutKeysOfTheirOwn) {
  const Inputs in = random_inputs(30, 30, 2, 2, 16, random);
  HeadTable some, others;
  some.add(0, 10, {{0, 7}});
  some.add(15, 20, {{3, 4}});
  others.add(5, 18, {{10, 30}});  // rows 20 to 29 see no keys in either
  Plan plan;
  plan.branches = {{.tables = {some}}, {.joined = true, .tables = {others}}};
  expect_matches(plan, in);
}

TEST_P(DevicePlans, SlopesOfValuesInAJoinedBranch) {
  const Inputs in = random_inputs(50, 50, 4, 2, 32, random);
  const Plan plan = joined_centroids(random);
  ASSERT_NO_THROW(plan.validate(in));
  expect_matches(plan, in);
}

TEST_P(DevicePlans, LinearTerms) {
  for (const int64_t value_dim : {32, 20}) {
    Inputs in = random_inputs(61, 61, 4, 2, 32, random);
    in.v = random_tensor(61, 2, value_dim, random);
    const auto features = [&](int64_t heads) {
      auto made = random_tensor(61, heads, 24, random)->clone();
      for (int64_t i = 0; i < made.size(); ++i)
        made.data<float>()[i] = std::abs(made.data<float>()[i]);
      return std::make_shared<const Tensor>(std::move(made));
    };
    Plan plan = one_branch({.tables = {ragged_table(61, 61, random)}});
    plan.linear.push_back({.name = "plain", .q = features(4), .k = features(2), .epsilon = 0.5F});
    plan.linear.push_back({.name = "projected",
                           .q = features(4),
                           .k = features(2),
                           .projection = random_weights(value_dim * value_dim, random),
                           .bias = random_weights(value_dim, random)});
    ASSERT_NO_THROW(plan.validate(in));
    expect_matches(plan, in);
  }
}

TEST_P(DevicePlans, RowsWithoutKeysGiveZeroAndMinusInfinity) {
  const Inputs in = random_inputs(50, 50, 2, 2, 32, random);
  HeadTable table;
  table.add(0, 20, {{0, 50}});
  table.add(20, 30, {});  // 30 and on stand in no segment
  Output out;
  device->run(one_branch({.tables = {table}}), in, out);
  for (int64_t i = 20; i < 50; ++i)
    for (int64_t h = 0; h < 2; ++h) {
      EXPECT_EQ(out.lse[0][i * 2 + h], -INFINITY);
      for (int64_t c = 0; c < 32; ++c) ASSERT_EQ(out.o.at(i, h, c), 0) << i;
    }
}

/// Rows behind the valid length may hold anything, as unused memory does.
TEST_P(DevicePlans, PaddingIsSeenByNobody) {
  constexpr int64_t kLength = 149, kPadded = 160;
  for (const auto& [dtype, dim] :
       {std::pair{DType::f32, 24}, {DType::bf16, 64}, {DType::f16, 64}}) {
    const Inputs random_in = random_inputs(kPadded, kPadded, 2, 1, dim, random);
    Inputs zeros = random_in, poisoned = random_in;
    const auto pad = [&](const std::shared_ptr<const Tensor>& tensor, float value) {
      Tensor copy = tensor->clone();
      for (int64_t i = kLength; i < kPadded; ++i)
        std::fill_n(copy.row(i, 0), copy.heads() * copy.dim(), value);
      return std::make_shared<const Tensor>(std::move(copy));
    };
    for (auto member : {&Inputs::q, &Inputs::k, &Inputs::v}) {
      zeros.*member = pad(random_in.*member, 0);
      poisoned.*member = pad(random_in.*member, std::numeric_limits<float>::quiet_NaN());
    }
    const Plan plan = one_branch({.tables = {full_table(kLength, kLength)}});
    Output want, got;
    device->run(plan, as(zeros, dtype), want);
    device->run(plan, as(poisoned, dtype), got);
    EXPECT_EQ(std::memcmp(got.o.data<char>(), want.o.data<char>(), want.o.bytes()), 0)
        << to_string(dtype) << " dim " << dim;
    EXPECT_EQ(got.lse, want.lse);
  }
}

/// A condition before the video, text behind it and padding in between, on an odd grid: all see
/// condition and text, a frame's tokens see their own frame too.
TEST_P(DevicePlans, PrefixTextAndPadding) {
  constexpr int32_t kPrefix = 5, kFrames = 3, kFrame = 7 * 9, kPadding = 4, kText = 11;
  constexpr int32_t kVideoEnd = kPrefix + kFrames * kFrame, kTextBegin = kVideoEnd + kPadding;
  constexpr int32_t kLength = kTextBegin + kText;
  HeadTable table;
  table.add(0, kPrefix, {{0, kVideoEnd}, {kTextBegin, kLength}});
  for (int32_t begin = kPrefix; begin < kVideoEnd; begin += kFrame)
    table.add(begin, begin + kFrame,
              {{0, kPrefix}, {begin, begin + kFrame}, {kTextBegin, kLength}});
  table.add(kTextBegin, kLength, {{0, kVideoEnd}, {kTextBegin, kLength}});
  for (DType dtype : {DType::f32, DType::f16}) {
    const Inputs in = as(random_inputs(kLength, kLength, 2, 1, 64, random), dtype);
    expect_matches(one_branch({.tables = {table}}), in);
  }
}

TEST_P(DevicePlans, BranchesWeightsMapsAndConstant) {
  const Inputs in = random_inputs(130, 130, 2, 1, 24, random);
  expect_matches(many_branches(130, 2, 24, random), in);
}

TEST_P(DevicePlans, RepeatedQueries) {
  for (int32_t length : {50, 700, 1300})
    for (bool shuffle : {false, true}) {
      const Inputs in = random_inputs(length, length, 1, 1, 16, random);
      expect_matches(one_branch(chosen_chunks(length, 9, shuffle, random)), in);
    }
}

TEST_P(DevicePlans, RepeatedQueriesWithBands) {
  // Two segments over the same query positions: what lies before and what lies behind.
  HeadTable table;
  table.add(0, 300, {{0, 300, KeyRange::kNoLow, -5}});
  table.add(0, 300, {{0, 300, 40, KeyRange::kNoHigh}});
  const Inputs in = random_inputs(300, 300, 1, 1, 64, random);
  expect_matches(one_branch({.tables = {table}, .repeats_queries = true}), in);
}

/// A changed plan at the same address is never mistaken for the old one.
TEST_P(DevicePlans, ChangedPlan) {
  const Inputs in = random_inputs(70, 70, 1, 1, 32, random);
  Plan plan = one_branch({.tables = {full_table(70, 70)}});
  expect_matches(plan, in);
  plan.branches[0].tables[0].ranges[0].end = 30;
  expect_matches(plan, in);
}

/// On an odd grid of three shots, with groups that nobody chose.
TEST_P(DevicePlans, OwnBackendsOnAnOddGrid) {
  Inputs in = random_video(5, 7, 9, 2, 64);
  in.grid.shots = {0, 1, 3};
  std::vector<float> logits(315 * 5);  // groups 1 and 4; one token alone in 2
  for (int64_t i = 0; i < 315; ++i) logits[i * 5 + (i == 100 ? 2 : i % 3 == 0 ? 4 : 1)] = 3;
  in.extra["router_logits"] = std::make_shared<const Array>(Array{{315, 5}, logits});
  for (const char* name : {"full", "frame", "stga", "moga", "moga_stga"}) {
    SCOPED_TRACE(name);
    const Backend& backend = find_backend(name);
    expect_matches(backend.plan(in, backend.defaults()), in);
  }
}

VIDATTN_ON_EVERY_DEVICE(DevicePlans);

}  // namespace
}  // namespace vidattn
