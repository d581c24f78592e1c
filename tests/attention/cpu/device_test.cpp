#include "attention/device.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/cpu/kernel.h"
#include "attention/cpu/units/simd.h"
#include "attention/reference.h"
#include "tests/support/compare.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// What only the CPU device has: tests/attention/device_*_test.cpp hold for any device.
class CpuDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    force_cpu_simd_target(GetParam());
    ASSERT_EQ(cpu_simd_target(), GetParam());
  }
  void TearDown() override { force_cpu_simd_target(""); }
  Generator random{7};
};

/// Every unit that multiplies bfloat16, for plans that meet odd spans, masks and tails.
TEST_P(CpuDevice, Bf16Units) {
  if (GetParam() != "AVX3") GTEST_SKIP() << "they belong to AVX-512";
  const Bf16Unit best = cpu_bf16_unit();
  HeadTable banded;
  banded.add(0, 210, {{0, 77, -30, 5}, {77, 210, -41, 60}});
  for (Bf16Unit unit : cpu_bf16_units()) {
    SCOPED_TRACE(to_string(unit));
    force_cpu_bf16_unit(unit);
    const auto expect_matches = [&](const Branch& branch, const Inputs& in) {
      expect_matches_reference(find_device("cpu"), one_branch(branch), in, {4e-3, 1e-5F});
    };
    for (int64_t dim : {32, 64, 128, 256}) {
      const Inputs in = as(random_inputs(210, 210, 2, 1, dim, random), DType::bf16);
      for (const HeadTable& table :
           {banded, full_table(210, 210), full_table(17, 3), ragged_table(210, 210, random)})
        expect_matches({.tables = {table}}, in);
      expect_matches(chosen_chunks(210, 5, true, random), in);
    }
    for (const auto& [dim, value_dim] : {std::pair{32, 48}, {96, 16}, {64, 24}, {24, 64}}) {
      SCOPED_TRACE("values of " + std::to_string(value_dim));
      const Inputs in = as(random_cross(210, 333, 2, 1, dim, value_dim, random), DType::bf16);
      for (const HeadTable& table : {full_table(210, 333), ragged_table(210, 333, random)})
        expect_matches({.tables = {table}}, in);
    }
  }
  force_cpu_bf16_unit(best);
}

/// Every unit that multiplies int8: the scores are exact sums of codes, so that all agree, and the
/// emulation, to the rounding of the weights.
TEST_P(CpuDevice, Int8Units) {
  if (GetParam() != "AVX3") GTEST_SKIP() << "they belong to AVX-512";
  const Device& cpu = find_device("cpu");
  const Int8Unit best = cpu_int8_unit();
  HeadTable banded;
  banded.add(0, 210, {{0, 77, -30, 5}, {77, 210, -41, 60}});
  for (const auto& [dim, value_dim] :
       {std::pair{32, 32}, {64, 64}, {130, 48}, {6, 128}, {128, 20}}) {
    const Inputs in = as(random_cross(210, 210, 4, 2, dim, value_dim, random), DType::int8);
    for (const HeadTable& table :
         {banded, full_table(210, 210), full_table(3, 210), ragged_table(210, 210, random)}) {
      const Plan plan = one_branch({.tables = {table}});
      Output emulated, got;
      force_cpu_int8_unit(Int8Unit::none);
      ASSERT_EQ(cpu.low_bit_unit(DType::int8), kEmulated);
      cpu.run(plan, in, emulated);
      for (Int8Unit unit : cpu_int8_units()) {
        SCOPED_TRACE(to_string(unit) + " dim " + std::to_string(dim));
        force_cpu_int8_unit(unit);
        expect_matches_reference(cpu, plan, in, {4e-3, 1e-5F});
        cpu.run(plan, in, got);
        expect_same_lse(got, emulated, 1e-5F);
        // Tiles, and dot products where the CPU has them, round weights to bf16.
        const bool rounded = unit == Int8Unit::matrix || cpu_bf16_unit() == Bf16Unit::dot;
        EXPECT_LE(relative_l2(got.o, emulated.o), rounded ? 4e-3 : 4e-6);
      }
    }
  }
  force_cpu_int8_unit(best);
  EXPECT_EQ(cpu.low_bit_unit(DType::fp8), kEmulated);
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
        EXPECT_LT(relative_l2(got.o, tokens, reference_rows(plan, rounded, tokens).o), bound)
            << to_string(dtype) << " length " << length << " dim " << dim;
      }
    }
}

// Rescaling by an unchanged maximum must not change anything, however many key blocks follow.
TEST_P(CpuDevice, ManyKeysDoNotFadeEarlyOnes) {
  const float zero = 0;
  float one = 0;
  cpu::exp2(&zero, &one, 1);
  EXPECT_EQ(one, 1);
  constexpr int64_t kKeys = 60000, kQueries = 8, kDim = 16;
  const Inputs in = random_inputs(kQueries, kQueries, 1, 1, kDim, random);
  Branch branch{.name = "long", .tables = {full_table(kQueries, kKeys)}};
  branch.prepared = {nullptr, random_tensor(kKeys, 1, kDim, random),
                     random_tensor(kKeys, 1, kDim, random)};
  const Plan plan = one_branch(branch);
  Output out;
  find_device("cpu").run(plan, in, out);
  const std::vector<int64_t> tokens{0, 1, 2, 3, 4, 5, 6, 7};
  // With 2^0 = 1 + 2^-23: 1.6e-5.
  EXPECT_LT(relative_l2(out.o, tokens, reference_rows(plan, in, tokens).o), 5e-6);
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
