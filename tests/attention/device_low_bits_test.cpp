#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "attention/terms/joined.h"
#include "tests/support/every_device.h"

namespace vidattn {
namespace {

constexpr DType kLowBits[] = {DType::int8, DType::fp8};

/// What a device must do with int8 and fp8. The reference rounds by its own plain loops.
class DeviceLowBits : public EveryDevice {};

/// Where both types are emulated on a graphics card, it multiplies float32, whose dims DeviceShapes
/// sweeps; each is a shader to compile, so that it has two here.
TEST_P(DeviceLowBits, LengthsAndDims) {
  for (DType dtype : kLowBits)
    for (const auto& [length, wanted] : {std::pair{1, 64},
                                         {15, 24},
                                         {17, 6},
                                         {48, 128},
                                         {49, 33},
                                         {130, 130},
                                         {385, 64},
                                         {2, 1}}) {
      const int dim = on_cpu() ? wanted : wanted % 2 == 0 ? 64 : 33;
      SCOPED_TRACE(to_string(dtype) + " length " + std::to_string(length) + " dim " +
                   std::to_string(dim));
      const Inputs in = as(random_inputs(length, length, 2, 1, dim, random), dtype);
      expect_matches(one_branch({.tables = {full_table(length, length)}}), in);
    }
}

TEST_P(DeviceLowBits, PlansOfEveryKind) {
  HeadTable banded;
  banded.add(0, 120, {{0, 47, -30, 5}, {47, 120, -41, 60}});
  HeadTable few;
  few.key_order = make_order(shuffled(120, random));
  few.add(0, 3, {{5, 110}});
  few.add(3, 3, {{0, 120}});
  few.add(4, 6, {});
  few.add(6, 90, {{0, 120, -20, 40}});
  for (DType dtype : kLowBits)
    for (int64_t dim : {24, 64}) {
      SCOPED_TRACE(to_string(dtype) + " dim " + std::to_string(dim));
      const Inputs in = as(random_inputs(120, 120, 4, 2, dim, random), dtype);
      for (const HeadTable& table : {banded, few, ragged_table(120, 120, random)})
        expect_matches(one_branch({.tables = {table}}), in);
      expect_matches(one_branch(chosen_chunks(120, 5, true, random)), in);
      expect_matches(many_branches(120, 4, dim, random), in);
      std::vector<HeadTable> tables;
      for (int t = 0; t < 4; ++t) tables.push_back(ragged_table(120, 120, random));
      expect_matches(one_branch({.tables = tables}), in);
    }
}

TEST_P(DeviceLowBits, ValuesOfAnotherWidth) {
  for (DType dtype : kLowBits)
    for (int64_t value_dim : {8, 33, 48, 128}) {
      SCOPED_TRACE(to_string(dtype) + " values of " + std::to_string(value_dim));
      const Inputs in = as(random_cross(70, 133, 2, 1, 64, value_dim, random), dtype);
      expect_matches(one_branch({.tables = {full_table(70, 133)}}), in);
    }
}

TEST_P(DeviceLowBits, JoinedCentroidsWithBiasSlopeAndLinearTerms) {
  const Inputs given = random_inputs(50, 50, 4, 2, 32, random);
  Plan plan = joined_centroids(random);
  plan.linear.push_back({.name = "linear",
                         .q = random_tensor(50, 4, 8, random),
                         .k = random_tensor(50, 2, 8, random),
                         .epsilon = 500});
  for (DType dtype : kLowBits) {
    const Inputs in = as(given, dtype);
    ASSERT_NO_THROW(plan.validate(in));
    expect_matches(plan, in);
  }
}

/// Keys far from zero, in parts with means of their own: each part's LSE must be that of its keys,
/// or their merge is not the softmax of all.
TEST_P(DeviceLowBits, JoinedPartsMergeAsFloatsDo) {
  Inputs in = random_inputs(77, 77, 2, 1, 32, random);
  Tensor k = in.k->clone();
  for (int64_t j = 0; j < 77; ++j)
    for (int64_t c = 0; c < 32; ++c) k.row(j, 0)[c] += static_cast<float>(j < 30 ? 3 : -2);
  in.k = std::make_shared<const Tensor>(std::move(k));
  Plan plan;
  for (const auto& [begin, end] : {std::pair{0, 30}, {30, 31}, {31, 77}}) {
    HeadTable table;
    table.add(0, 77, {{begin, end}});
    plan.branches.push_back({.joined = !plan.branches.empty(), .tables = {table}});
  }
  Output whole;
  device->run(one_branch({.tables = {full_table(77, 77)}}), in, whole);
  for (DType dtype : kLowBits) {
    Output joined;
    device->run(plan, as(in, dtype), joined);
    EXPECT_LT(relative_l2(joined.o, whole.o), dtype == DType::int8 ? 0.03 : 0.15);
    const std::vector<float> lse = joined_lse(plan, joined, 0);
    for (size_t i = 0; i < lse.size(); ++i)
      EXPECT_NEAR(lse[i], whole.lse[0][i], dtype == DType::int8 ? 0.05 : 0.3) << i;
  }
}

/// A vector that all keys share changes no softmax; smoothing takes it off before it costs bits.
TEST_P(DeviceLowBits, AVectorAddedToAllKeysMovesTheLseAlone) {
  const Inputs in = random_inputs(90, 90, 2, 1, 64, random);
  Inputs moved = in;
  Tensor k = in.k->clone();
  for (int64_t j = 0; j < 90; ++j)
    for (int64_t c = 0; c < 64; ++c) k.row(j, 0)[c] += static_cast<float>(c % 7) * 16;
  moved.k = std::make_shared<const Tensor>(std::move(k));
  const Plan plan = one_branch({.tables = {full_table(90, 90)}});
  for (DType dtype : kLowBits) {
    Output before, after;
    device->run(plan, as(in, dtype), before);
    device->run(plan, as(moved, dtype), after);
    // Sums of the moved keys are rounded at 2^-17 or so; without smoothing it is 0.5.
    EXPECT_LT(relative_l2(after.o, before.o), 5e-3) << to_string(dtype);
    for (int64_t i = 0; i < 90; ++i)
      for (int64_t h = 0; h < 2; ++h) {
        double offset = 0;
        for (int64_t c = 0; c < 64; ++c)
          offset += double{in.q->row(i, h)[c]} * static_cast<double>(c % 7) * 16;
        EXPECT_NEAR(after.lse[0][i * 2 + h], before.lse[0][i * 2 + h] + offset / 8, 0.01);
      }
  }
}

TEST_P(DeviceLowBits, PaddingIsSeenByNobody) {
  constexpr int64_t kLength = 149, kPadded = 160;
  for (DType dtype : kLowBits) {
    const Inputs whole = random_inputs(kPadded, kPadded, 2, 1, 64, random);
    Inputs cut = whole, poisoned = whole;
    for (auto member : {&Inputs::q, &Inputs::k, &Inputs::v}) {
      Tensor copy = (whole.*member)->clone();
      Tensor first(kLength, copy.heads(), copy.dim());
      for (int64_t i = 0; i < kLength; ++i)
        std::copy_n(copy.row(i, 0), copy.heads() * copy.dim(), first.row(i, 0));
      for (int64_t i = kLength; i < kPadded; ++i)
        std::fill_n(copy.row(i, 0), copy.heads() * copy.dim(),
                    i % 2 == 0 ? 1e6F : std::numeric_limits<float>::quiet_NaN());
      cut.*member = std::make_shared<const Tensor>(std::move(first));
      poisoned.*member = std::make_shared<const Tensor>(std::move(copy));
    }
    const Plan plan = one_branch({.tables = {full_table(kLength, kLength)}});
    Output want, got;
    device->run(plan, as(cut, dtype), want);
    device->run(plan, as(poisoned, dtype), got);
    EXPECT_EQ(std::memcmp(got.o.data<char>(), want.o.data<char>(), want.o.bytes()), 0);
    EXPECT_TRUE(std::equal(want.lse[0].begin(), want.lse[0].end(), got.lse[0].begin()));
  }
}

TEST_P(DeviceLowBits, RowsOfZerosAreNoTrouble) {
  for (DType dtype : kLowBits) {
    Inputs in = random_inputs(40, 40, 1, 1, 24, random);
    Tensor q(40, 1, 24), k(40, 1, 24);
    for (int64_t i = 0; i < 40; ++i) q.row(i, 0)[3] = i % 3 == 0 ? 0.0F : 1.0F;
    in.q = std::make_shared<const Tensor>(std::move(q));
    in.k = std::make_shared<const Tensor>(std::move(k));
    expect_matches(one_branch({.tables = {full_table(40, 40)}}), as(in, dtype));
  }
}

TEST_P(DeviceLowBits, OtherScales) {
  for (DType dtype : kLowBits)
    for (double scale : {0.01, 1.0, -0.3}) {
      Inputs in = as(random_inputs(70, 70, 1, 1, 32, random), dtype);
      in.scale = scale;
      expect_matches(one_branch({.tables = {full_table(70, 70)}}), in);
    }
}

VIDATTN_ON_EVERY_DEVICE(DeviceLowBits);

}  // namespace
}  // namespace vidattn
