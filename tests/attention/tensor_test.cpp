#include "attention/tensor.h"

#include <gtest/gtest.h>

#include <limits>

#include "attention/error.h"

namespace vidattn {
namespace {

TEST(Tensor, MovedFromIsEmpty) {
  Tensor a(2, 3, 4);
  const Tensor b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(b.size(), 24);
}

TEST(Tensor, ConversionRoundsToNearestEven) {
  Tensor x(1, 1, 4);
  const float values[] = {1.00390625F, 1.01171875F, -3.0e38F, 65520.0F};
  x.write_row(0, 0, values);
  const Tensor bf16 = x.to(DType::bf16), f16 = x.to(DType::f16);
  EXPECT_EQ(bf16.at(0, 0, 0), 1.0F);       // halfway, to the even neighbour below
  EXPECT_EQ(bf16.at(0, 0, 1), 1.015625F);  // halfway, to the even neighbour above
  EXPECT_EQ(f16.at(0, 0, 3), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(NAN))));
}

TEST(Tensor, ImpossibleShapesAreRefused) {
  EXPECT_THROW(Tensor(-1, 1, 1), InputError);
  EXPECT_THROW(Tensor(1, int64_t{1} << 60, 8), InputError);
  EXPECT_THROW(Tensor(int64_t{1} << 31, 1, 1), InputError);  // plans have 32-bit indices
}

TEST(Tensor, AViewIsTheMemoryOfSomeoneElse) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  const Tensor view = Tensor::view(values, 3, 1, 2, DType::f32);
  EXPECT_EQ(view.data<float>(), values);
  EXPECT_EQ(view.at(2, 0, 1), 6);
  EXPECT_EQ(view.clone().at(1, 0, 0), 3);
  EXPECT_THROW(Tensor::view(values, -1, 1, 1, DType::f32), InputError);
}

TEST(Tensor, WhatDoesNotFitInMemoryIsNoFaultOfTheInput) {
  EXPECT_THROW(Tensor(1, int64_t{1} << 55, 8), OutOfMemory);
}

TEST(DType, TextsRoundTrip) {
  for (DType type : {DType::f32, DType::bf16, DType::f16})
    EXPECT_EQ(parse_dtype(to_string(type)), type);
  EXPECT_THROW(parse_dtype("f64"), InputError);
}

}  // namespace
}  // namespace vidattn
