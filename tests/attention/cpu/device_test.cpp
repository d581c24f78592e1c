#include "attention/device.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "attention/cancel.h"
#include "attention/cpu/kernel.h"
#include "attention/cpu/simd.h"
#include "attention/reference.h"
#include "tests/attention/random_plans.h"

namespace vidattn {
namespace {

/// Of the rows `tokens` of a, against [tokens,H,D] in float64.
double relative_error(const Tensor& a, const std::vector<int64_t>& tokens,
                      const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  const double* e = expected.data();
  for (int64_t token : tokens)
    for (int64_t h = 0; h < a.heads(); ++h)
      for (int64_t c = 0; c < a.dim(); ++c, ++e) {
        difference += std::pow(double{a.at(token, h, c)} - *e, 2);
        norm += *e * *e;
      }
  return std::sqrt(difference / norm);
}

void expect_matches_reference(const Plan& plan, const Inputs& in, double tolerance = 2e-6) {
  plan.validate(in);
  Output want, got, again;
  find_device("reference").run(plan, in, want);
  find_device("cpu").run(plan, in, got);
  EXPECT_LT(relative_error(got.o, want.o), tolerance);
  expect_same_lse(got, want, 1e-5F);
  find_device("cpu").run(plan, in, again);
  EXPECT_EQ(std::memcmp(again.o.data<char>(), got.o.data<char>(), got.o.bytes()), 0);
  EXPECT_EQ(again.lse, got.lse);
}

/// Runs every test once per instruction set of this machine.
class CpuDevice : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    force_cpu_simd_target(GetParam());
    ASSERT_EQ(cpu_simd_target(), GetParam());
  }
  void TearDown() override { force_cpu_simd_target(""); }
  Random random{7};
};

TEST_P(CpuDevice, ACancelledRunThrowsAndTheNextIsWhole) {
  const Inputs in = random_inputs(400, 400, 2, 2, 32, random);
  const Plan plan = one_branch({.tables = {full_table(400, 400)}});
  Output out;
  runs_cancelled = true;
  EXPECT_THROW(find_device("cpu").run(plan, in, out), Cancelled);
  runs_cancelled = false;
  expect_matches_reference(plan, in);
}

TEST_P(CpuDevice, LengthsAndDims) {
  for (int64_t length : {1, 2, 4, 5, 15, 16, 17, 47, 48, 49, 127, 129, 385})
    for (int64_t dim : {1, 8, 16, 24, 33, 64, 80, 128, 256}) {
      SCOPED_TRACE("length " + std::to_string(length) + " dim " + std::to_string(dim));
      const Inputs in = random_inputs(length, length, 1, 1, dim, random);
      expect_matches_reference(one_branch({.tables = {full_table(length, length)}}), in);
    }
}

TEST_P(CpuDevice, LargeScores) {
  // Scores reach 80: |q| is 80 / sqrt(dim) per channel before the scale of 1/sqrt(dim).
  const Inputs in = random_inputs(150, 150, 2, 2, 64, random, 25);
  expect_matches_reference(one_branch({.tables = {full_table(150, 150)}}), in, 2e-5);
}

TEST_P(CpuDevice, RaggedGathers) {
  for (int64_t dim : {16, 24, 128}) {
    const Inputs in = random_inputs(333, 333, 2, 2, dim, random);
    expect_matches_reference(one_branch({.tables = {ragged_table(333, 333, random)}}), in);
  }
}

TEST_P(CpuDevice, TablePerHeadAndSharedKeyHeads) {
  const Inputs in = random_inputs(200, 200, 4, 2, 32, random);
  const Inputs one_key_head = random_inputs(200, 200, 4, 1, 32, random);
  std::vector<HeadTable> tables;
  for (int t = 0; t < 4; ++t) tables.push_back(ragged_table(200, 200, random));
  expect_matches_reference(one_branch({.tables = tables}), in);
  tables.resize(2);
  expect_matches_reference(one_branch({.tables = tables}), one_key_head);
}

TEST_P(CpuDevice, Bands) {
  const KeyRange causal{0, 400, KeyRange::kNoLow, 0};
  const KeyRange window{0, 400, -20, 20};
  const KeyRange far{0, 400, 150, 170};  // the last queries see nothing
  const Inputs in = random_inputs(400, 400, 1, 1, 32, random);
  for (const KeyRange& range : {causal, window, far}) {
    HeadTable table;
    table.add(0, 400, {range});
    expect_matches_reference(one_branch({.tables = {table}}), in);
  }
  HeadTable mixed;
  mixed.key_order = make_order(shuffled(400, random));
  mixed.add(3, 4, {{0, 100, -2, 40}, {300, 400}});
  mixed.add(10, 390, {{0, 100, -2, 40}, {150, 160}, {200, 400, -7, KeyRange::kNoHigh}});
  expect_matches_reference(one_branch({.tables = {mixed}}), in);
}

TEST_P(CpuDevice, FewQueriesPerSegment) {
  const Inputs in = random_inputs(60, 300, 2, 2, 64, random);
  HeadTable table;
  std::vector<int32_t> keys;
  for (int32_t q = 0; q < 60;) {
    const int32_t end = std::min<int32_t>(60, q + 1 + static_cast<int32_t>(random() % 5));
    const auto first = static_cast<int32_t>(keys.size());
    for (uint32_t n = random() % 300; n > 0; --n)
      keys.push_back(static_cast<int32_t>(random() % 300));
    table.add(q, end, {{first, static_cast<int32_t>(keys.size())}});
    q = end;
  }
  table.key_order = make_order(keys);
  expect_matches_reference(one_branch({.tables = {table}}), in);
}

TEST_P(CpuDevice, BranchesWeightsAndConstant) {
  const int64_t length = 130, heads = 2, dim = 24;
  Inputs in = random_inputs(length, length, heads, heads, dim, random);
  auto gate = std::make_shared<Array>();
  gate->shape = {length, heads, dim};
  gate->values.emplace<std::vector<float>>(length * heads * dim);
  for (float& g : std::get<std::vector<float>>(gate->values)) g = random() % 100 * 0.01F;
  std::vector<float> per_token(length), per_head(length * heads);
  for (float& w : per_token) w = random() % 100 * 0.01F;
  for (float& w : per_head) w = random() % 100 * 0.01F;
  Plan plan;
  plan.branches.push_back({.tables = {ragged_table(130, 130, random)},
                           .weight = 0.5F,
                           .token_weight = make_list(per_token)});
  plan.branches.push_back(
      {.tables = {full_table(length, length)}, .token_weight = make_list(per_head)});
  plan.branches.push_back({.tables = {ragged_table(130, 130, random)}, .channel_weight = gate});
  expect_matches_reference(plan, in);
  plan.constant = random_tensor(length, heads, dim, random);
  expect_matches_reference(plan, in);
}

TEST_P(CpuDevice, OutputMapsAndPreparedOperands) {
  const Inputs in = random_inputs(150, 150, 2, 1, 32, random);
  Branch branch{.tables = {full_table(40, 33), full_table(30, 20)}};
  branch.prepared = {random_tensor(40, 2, 32, random), random_tensor(33, 1, 32, random),
                     random_tensor(33, 1, 32, random)};
  for (int t = 0; t < 2; ++t) {
    std::vector<int32_t> map(150);
    for (int32_t& row : map) row = static_cast<int32_t>(random() % 41) - 1;
    branch.output_map.push_back(map);
  }
  expect_matches_reference(one_branch(branch), in);
}

TEST_P(CpuDevice, RepeatedQueries) {
  for (int32_t length : {50, 700, 1300})
    for (bool shuffle : {false, true}) {
      const Inputs in = random_inputs(length, length, 1, 1, 16, random);
      const Branch branch = chosen_chunks(length, 9, shuffle, random);
      expect_matches_reference(one_branch(branch), in);
    }
}

TEST_P(CpuDevice, RepeatedQueriesWithBands) {
  // Two segments over the same query positions: what lies before and what lies behind.
  HeadTable table;
  table.add(0, 300, {{0, 300, KeyRange::kNoLow, -5}});
  table.add(0, 300, {{0, 300, 40, KeyRange::kNoHigh}});
  const Inputs in = random_inputs(300, 300, 1, 1, 64, random);
  expect_matches_reference(one_branch({.tables = {table}, .repeats_queries = true}), in);
}

/// Every unit that multiplies bfloat16, for plans that meet odd spans, masks and tails.
TEST_P(CpuDevice, Bf16Units) {
  if (GetParam() != "AVX3") GTEST_SKIP() << "they belong to AVX-512";
  const Bf16Unit best = cpu_bf16_unit();
  HeadTable banded;
  banded.add(0, 210, {{0, 77, -30, 5}, {77, 210, -41, 60}});
  for (Bf16Unit unit : cpu_bf16_units()) {
    SCOPED_TRACE(to_string(unit));
    force_cpu_bf16_unit(unit);
    for (int64_t dim : {32, 64, 128, 256}) {
      const Inputs in = as(random_inputs(210, 210, 2, 1, dim, random), DType::bf16);
      for (const HeadTable& table :
           {banded, full_table(210, 210), full_table(17, 3), ragged_table(210, 210, random)})
        expect_matches_reference(one_branch({.tables = {table}}), in, 4e-3);
      expect_matches_reference(one_branch(chosen_chunks(210, 5, true, random)), in, 4e-3);
    }
  }
  force_cpu_bf16_unit(best);
}

TEST_P(CpuDevice, HalfPrecisionStorage) {
  for (int64_t dim : {24, 64, 128}) {
    const Inputs in = random_inputs(300, 300, 2, 1, dim, random);
    const Plan plan = one_branch({.tables = {ragged_table(300, 300, random)}});
    // Half a unit in the last place of the output, and for bf16 of the weights too.
    expect_matches_reference(plan, as(in, DType::bf16), 4e-3);
    expect_matches_reference(plan, as(in, DType::f16), 4e-4);
  }
}

/// What the storage types cost in accuracy, for every D and L that methods meet: relative L2 error
/// against the float64 reference on the same rounded inputs. Half a unit in the last place of the
/// output is 2^-9/sqrt(3) = 1.1e-3 for bf16 and 1.4e-4 for f16; the weights are rounded to bf16
/// too.
TEST_P(CpuDevice, SlowAccuracyPerDimAndLength) {
  const std::pair<DType, double> bounds[] = {
      {DType::f32, 2e-6}, {DType::bf16, 3e-3}, {DType::f16, 2.5e-4}};
  for (int64_t dim : {64, 80, 96, 128, 256})
    for (int64_t length : {1, 17, 300, 2000}) {
      const Inputs in = random_inputs(length, length, 1, 1, dim, random);
      const Plan plan = one_branch({.tables = {full_table(length, length)}});
      std::vector<int64_t> tokens;
      for (int64_t i = 0; i < length; i += 1 + length / 16) tokens.push_back(i);
      for (const auto& [dtype, bound] : bounds) {
        Output got;
        const Inputs rounded = as(in, dtype);
        find_device("cpu").run(plan, rounded, got);
        EXPECT_LT(relative_error(got.o, tokens, reference_rows(plan, rounded, tokens).o), bound)
            << to_string(dtype) << " length " << length << " dim " << dim;
      }
    }
}

TEST_P(CpuDevice, MixedStorage) {
  Inputs in = random_inputs(90, 90, 1, 1, 64, random);
  in.k = std::make_shared<Tensor>(in.k->to(DType::bf16));
  expect_matches_reference(one_branch({.tables = {full_table(90, 90)}}), in);
}

// Rescaling by an unchanged maximum must not change anything, however many key blocks follow.
TEST_P(CpuDevice, ManyKeysDoNotFadeEarlyOnes) {
  const float zero = 0;
  float one = 0;
  cpu::exp2(&zero, &one, 1);
  EXPECT_EQ(one, 1);
  constexpr int64_t kKeys = 60000, kQueries = 8, kDim = 16;
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal;
  const auto tensor = [&](int64_t length) {
    Tensor t(length, 1, kDim);
    for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = normal(random);
    return std::make_shared<const Tensor>(std::move(t));
  };
  Inputs in;
  in.q = tensor(kQueries);
  in.k = in.v = tensor(kQueries);
  Branch branch{.name = "long", .prepared = {nullptr, tensor(kKeys), tensor(kKeys)}};
  branch.tables.resize(1);
  branch.tables[0].add(0, kQueries, {{0, kKeys}});
  Plan plan;
  plan.branches.push_back(std::move(branch));
  Output out;
  find_device("cpu").run(plan, in, out);
  std::vector<int64_t> tokens(kQueries);
  std::iota(tokens.begin(), tokens.end(), 0);
  const auto expected = reference_rows(plan, in, tokens).o;
  double error = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(out.o.data<float>()[i] - expected[i], 2);
    norm += expected[i] * expected[i];
  }
  EXPECT_LT(std::sqrt(error / norm), 5e-6);  // with 2^0 = 1 + 2^-23: 1.6e-5
}

TEST_P(CpuDevice, Exp2ErrorBound) {
  double worst = 0;
  for (float x = -126; x <= 4; x += 0.000731F) {
    float y = 0;
    cpu::exp2(&x, &y, 1);
    worst = std::max(worst, std::abs(y / std::exp2(double{x}) - 1));
  }
  EXPECT_LT(worst, 2.5e-7);
  const float zero = 0;
  float one = 0;
  cpu::exp2(&zero, &one, 1);
  EXPECT_EQ(one, 1.0F);  // or long sums drift
  for (float x : {-127.0F, -1000.0F, -3e38F, -INFINITY}) {
    float y = 1;
    cpu::exp2(&x, &y, 1);
    EXPECT_EQ(y, 0.0F) << x;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, CpuDevice, testing::ValuesIn(cpu_simd_targets()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace vidattn
