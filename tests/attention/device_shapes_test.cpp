#include <gtest/gtest.h>

#include <cstring>

#include "attention/cancel.h"
#include "tests/support/every_device.h"

namespace vidattn {
namespace {

/// Shapes and storage types that a device must take.
class DeviceShapes : public EveryDevice {};

TEST_P(DeviceShapes, LengthsAndDims) {
  const auto check = [&](int64_t length, int64_t dim) {
    SCOPED_TRACE("length " + std::to_string(length) + " dim " + std::to_string(dim));
    const Inputs in = random_inputs(length, length, 1, 1, dim, random);
    expect_matches(one_branch({.tables = {full_table(length, length)}}), in);
  };
  for (int64_t length : {1, 2, 4, 5, 15, 16, 17, 47, 48, 49, 65, 127, 385})
    for (int64_t dim : {24, 128}) check(length, dim);
  for (int64_t dim : {1, 8, 16, 33, 64, 80, 256})
    for (int64_t length : {1, 17, 129}) check(length, dim);
}

TEST_P(DeviceShapes, FewQueriesOrFewKeys) {
  for (const auto& [queries, keys] : {std::pair{1, 300}, {15, 17}, {300, 1}, {17, 3}, {5, 1000}}) {
    SCOPED_TRACE(std::to_string(queries) + " queries, " + std::to_string(keys) + " keys");
    const Inputs in = random_inputs(queries, keys, 2, 1, 64, random);
    expect_matches(one_branch({.tables = {full_table(queries, keys)}}), in);
  }
}

TEST_P(DeviceShapes, LargeScores) {
  // Scores reach 80: |q| is 80 / sqrt(dim) per channel before the scale of 1/sqrt(dim).
  const Inputs in = random_inputs(150, 150, 2, 2, 64, random, 25);
  expect_matches(one_branch({.tables = {full_table(150, 150)}}), in, 2e-5);
}

TEST_P(DeviceShapes, ScoresNearTheEndOfFloat32) {
  Inputs in = random_inputs(40, 40, 1, 1, 16, random);
  Tensor q(40, 1, 16), k(40, 1, 16);
  for (int64_t i = 0; i < 40; ++i) {
    q.row(i, 0)[3] = i % 2 == 0 ? 1e18F : -1e18F;
    k.row(i, 0)[3] = static_cast<float>(i - 20) * 1e18F;
  }
  in.q = std::make_shared<const Tensor>(std::move(q));
  in.k = std::make_shared<const Tensor>(std::move(k));
  in.validate();
  for (DType dtype : {DType::f32, DType::bf16})
    expect_matches(one_branch({.tables = {full_table(40, 40)}}), as(in, dtype));
}

TEST_P(DeviceShapes, OtherScales) {
  Inputs in = random_inputs(70, 70, 1, 1, 32, random);
  for (double scale : {0.01, 1.0}) {
    in.scale = scale;
    expect_matches(one_branch({.tables = {full_table(70, 70)}}), in, 4e-6);
  }
}

TEST_P(DeviceShapes, StorageTypes) {
  HeadTable banded;
  banded.add(0, 120, {{0, 47, -30, 5}, {47, 120, -41, 60}});
  for (DType dtype : {DType::f32, DType::bf16, DType::f16})
    for (int64_t dim : {24, 64}) {
      SCOPED_TRACE(std::string(to_string(dtype)) + " dim " + std::to_string(dim));
      const Inputs in = as(random_inputs(120, 120, 2, 1, dim, random), dtype);
      for (const HeadTable& table : {banded, full_table(120, 120), ragged_table(120, 120, random)})
        expect_matches(one_branch({.tables = {table}}), in);
      expect_matches(one_branch(chosen_chunks(120, 5, true, random)), in);
    }
}

TEST_P(DeviceShapes, MixedStorage) {
  Inputs in = random_inputs(90, 90, 1, 1, 64, random);
  in.k = std::make_shared<Tensor>(in.k->to(DType::bf16));
  expect_matches(one_branch({.tables = {full_table(90, 90)}}), in);
}

/// Independent of the reference: a mean of equal values is that value, whatever the weights.
TEST_P(DeviceShapes, EqualValuesComeBack) {
  for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    Inputs in = random_inputs(130, 130, 2, 1, 64, random, 3);
    Tensor v(130, 1, 64);
    for (int64_t i = 0; i < v.size(); ++i)
      v.data<float>()[i] = static_cast<float>(i % 64) / 64 - 0.25F;
    in.v = std::make_shared<const Tensor>(std::move(v));
    in = as(in, dtype);
    Output out;
    device->run(one_branch({.tables = {full_table(130, 130)}}), in, out);
    for (int64_t i = 0; i < 130; ++i)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t c = 0; c < 64; ++c)
          ASSERT_NEAR(out.o.at(i, h, c), in.v->at(i, 0, c), limit(dtype)) << i << " " << c;
  }
}

TEST_P(DeviceShapes, AnOutputIsReusedForAnyShape) {
  const Inputs large = as(random_inputs(90, 90, 4, 2, 32, random), DType::f16);
  const Inputs small = random_inputs(33, 33, 2, 2, 64, random);
  const Plan two = {{{.tables = {full_table(90, 90)}}, {.tables = {full_table(50, 90)}}}};
  HeadTable half;  // the other rows keep nothing of what stood there
  half.add(0, 16, {{0, 33}});
  const Plan one = one_branch({.tables = {half}});
  Output fresh, reused;
  device->run(one, small, fresh);
  device->run(two, large, reused);
  device->run(one, small, reused);
  ASSERT_EQ(reused.o.bytes(), fresh.o.bytes());
  EXPECT_EQ(std::memcmp(reused.o.data<char>(), fresh.o.data<char>(), fresh.o.bytes()), 0);
  EXPECT_EQ(reused.lse, fresh.lse);
}

TEST_P(DeviceShapes, ACancelledRunThrowsAndTheNextIsWhole) {
  const Inputs in = random_inputs(400, 400, 2, 2, 64, random);
  const Plan plan = one_branch({.tables = {full_table(400, 400)}});
  Output out;
  runs_cancelled = true;
  EXPECT_THROW(device->run(plan, in, out), Cancelled);
  runs_cancelled = false;
  expect_matches(plan, in);
}

VIDATTN_ON_EVERY_DEVICE(DeviceShapes);

}  // namespace
}  // namespace vidattn
