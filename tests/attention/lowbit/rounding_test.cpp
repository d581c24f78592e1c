#include "attention/lowbit/rounding.h"

#include <gtest/gtest.h>

#include <limits>

#include "attention/lowbit/operands.h"
#include "attention/lowbit/plain.h"
#include "attention/reference.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

SeenKeys all_seen(int64_t keys) { return SeenKeys({.tables = {full_table(1, keys)}}, 1, 1, keys); }

TEST(LowBitRounding, E4M3ByHand) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& [x, want] : {std::pair{0.0F, 0.0F},
                                {1.0F, 1.0F},
                                {1.0625F, 1.0F},   // halfway between 1 and 1.125: to even
                                {1.1875F, 1.25F},  // halfway between 1.125 and 1.25
                                {17.0F, 16.0F},    // steps of 2 from 16 on
                                {19.0F, 20.0F},
                                {447.0F, 448.0F},
                                {432.0F, 448.0F},  // halfway between 416 and 448
                                {431.0F, 416.0F},
                                {449.0F, 448.0F},
                                {1e30F, 448.0F},
                                {std::numeric_limits<float>::infinity(), 448.0F},
                                {0x1p-6F, 0x1p-6F},    // smallest normal
                                {0x1.ep-7F, 0x1p-6F},  // 7.5 steps of 2^-9
                                {0x1p-9F, 0x1p-9F},    // smallest
                                {0x1p-10F, 0.0F},      // halfway to it
                                {0x1.8p-10F, 0x1p-9F},
                                {0x1.8p-9F, 0x1p-8F}}) {  // halfway between 1 and 2 steps
    EXPECT_EQ(round_e4m3(x), want) << x;
    EXPECT_EQ(round_e4m3(-x), -want) << x;
  }
  EXPECT_TRUE(std::isnan(round_e4m3(kNan)));
  EXPECT_TRUE(std::signbit(round_e4m3(-0.0F)));
}

/// Every value of E4M3 stands, and between two neighbours the middle goes to the even one.
TEST(LowBitRounding, E4M3KeepsItsOwnValuesAndHalves) {
  std::vector<float> values;
  for (int code = 0; code < 127; ++code) {
    const int exponent = code >> 3, mantissa = code & 7;
    values.push_back(exponent == 0
                         ? std::ldexp(static_cast<float>(mantissa), -9)
                         : std::ldexp(8.0F + static_cast<float>(mantissa), exponent - 10));
  }
  ASSERT_EQ(values.back(), 448);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(round_e4m3(values[i]), values[i]);
    if (i + 1 == values.size()) break;
    const float middle = (values[i] + values[i + 1]) / 2;
    ASSERT_EQ(round_e4m3(middle), values[i + i % 2]) << middle;
    ASSERT_EQ(round_e4m3(std::nextafter(middle, 0.0F)), values[i]);
    ASSERT_EQ(round_e4m3(std::nextafter(middle, 500.0F)), values[i + 1]);
  }
}

TEST(LowBitRounding, Int8ByHand) {
  Tensor rows(3, 1, 6);
  const float values[] = {127, -127, 0.5F, 1.5F, -2.5F, 63.4F, 0, 0, 0, 0, 0, 0, 1, -2, 0, 0, 0, 0};
  std::copy_n(values, 18, rows.data<float>());
  const Int8Rows made = pack_int8(rows, nullptr);
  const auto* codes = made.packed.data<int8_t>();
  EXPECT_EQ(made.packed.dim(), 16);
  EXPECT_EQ(made.scale, (std::vector<float>{1, 0, 2.0F / 127}));
  const std::vector<int> want{127, -127, 0, 2, -2, 63};  // ties to even
  for (size_t c = 0; c < 6; ++c) EXPECT_EQ(codes[c], want[c]) << c;
  for (size_t c = 6; c < 64; ++c) EXPECT_EQ(codes[c], 0) << c;
  EXPECT_EQ(codes[128], 64);  // 63.5 to even
  EXPECT_EQ(codes[129], -127);
  EXPECT_EQ(made.sum, (std::vector<int32_t>{63, 0, -63}));
}

TEST(LowBitRounding, RowsThatAreNotFiniteHaveNoNumbers) {
  Tensor rows(2, 1, 4);
  rows.row(0, 0)[1] = std::numeric_limits<float>::infinity();
  rows.row(1, 0)[2] = std::numeric_limits<float>::quiet_NaN();
  for (float scale : pack_int8(rows, nullptr).scale) EXPECT_TRUE(std::isnan(scale));
  for (DType type : {DType::int8, DType::fp8})
    for (int64_t i = 0; i < 2; ++i)
      EXPECT_TRUE(std::isnan(round_rows(rows, nullptr, type).row(i, 0)[0]));
}

TEST(LowBitRounding, TinyRowsDoNotOverflow) {
  Tensor rows(1, 1, 4);
  rows.row(0, 0)[0] = std::ldexp(190.0F, -149);  // its scale is one step of the smallest float
  rows.row(0, 0)[1] = std::ldexp(1.0F, -149);    // and less than the smallest code's half
  for (DType type : {DType::int8, DType::fp8})
    for (int64_t c = 0; c < 4; ++c)
      EXPECT_TRUE(std::isfinite(round_rows(rows, nullptr, type).row(0, 0)[c]));
  EXPECT_EQ(pack_int8(rows, nullptr).packed.data<int8_t>()[0], 127);
}

TEST(LowBitRounding, ValuesOfFp8HaveAScalePerChannel) {
  Tensor v(3, 1, 2);
  const float values[] = {448, 0.01F, 1.0625F, -0.02F, 1e9F, 1e9F};
  std::copy_n(values, 6, v.data<float>());
  const Tensor rounded =
      round_values(v, SeenKeys({.tables = {full_table(1, 2)}}, 1, 1, 3), DType::fp8);
  EXPECT_EQ(rounded.at(0, 0, 0), 448);  // the third row, which nobody sees, sets no scale
  EXPECT_EQ(rounded.at(1, 0, 0), 1);
  EXPECT_FLOAT_EQ(rounded.at(0, 0, 1), 0.01F);
  EXPECT_FLOAT_EQ(rounded.at(1, 0, 1), -0.02F);
  EXPECT_EQ(round_values(v, all_seen(3), DType::int8).dtype(), DType::bf16);
}

TEST(LowBitRounding, FastAndPlainRoundAlike) {
  Generator random(5);
  for (DType type : {DType::int8, DType::fp8}) {
    Inputs in = random_inputs(210, 3000, 4, 2, 40, random, 3);
    in.low_bits = type;
    Tensor k = in.k->clone();
    for (int64_t i = 0; i < k.size(); ++i) k.data<float>()[i] += 100;
    in.k = std::make_shared<const Tensor>(std::move(k));
    const Branch branch{.tables = {full_table(210, 2500)}};
    const PlainLowBits plain(branch, in);
    const LowBitBranch fast = LowBitOperands(in, false).of(branch);
    ASSERT_EQ(LowBitOperands(in, false).of(branch).lse_offset.size(), 840U);
    int64_t different = 0;
    for (int64_t i = 0; i < 3000; ++i)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t c = 0; c < 40; ++c) {
          different += plain.k->at(i, h, c) != fast.k->at(i, h, c) ? 1 : 0;
          ASSERT_EQ(plain.v->at(i, h, c), fast.v->at(i, h, c));
          if (i < 210) {
            ASSERT_EQ(plain.q->at(i, h, c), fast.q->at(i, h, c));
          }
        }
    EXPECT_EQ(different, 0) << to_string(type);
    std::vector<float> query(40);
    in.q->read_row(7, 3, query.data());
    EXPECT_NEAR(fast.lse_offset[7 * 4 + 3], plain.lse_offset(query, 1, in.softmax_scale()), 1e-3);
  }
}

TEST(LowBitRounding, SeenKeysAreThoseOfTheQueries) {
  Generator random(9);
  HeadTable banded;
  banded.key_order = make_order(shuffled(90, random));
  banded.add(3, 9, {{0, 60, -4, 2}, {70, 75}});
  banded.add(20, 20, {{60, 70}});  // of no query
  banded.add(40, 50, {{76, 80, 0, 1}});
  banded.add(80, 90, {{80, 90, 3, -3}});  // of no query, either
  for (const Branch& branch :
       {Branch{.tables = {banded}}, Branch{.tables = {ragged_table(90, 90, random), banded}},
        Branch{.tables = {full_table(90, 31)}}, chosen_chunks(90, 4, true, random)}) {
    const Inputs in = random_inputs(90, 90, 4, 2, 8, random);
    const SeenKeys seen(branch, 4, 2, 90);
    std::vector<std::vector<uint8_t>> want(2, std::vector<uint8_t>(90));
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t i = 0; i < 90; ++i)
        for (int64_t key : visible_keys(branch, in, i, h))
          for (int64_t g = 0; g < 2; ++g)
            if (g == h / 2 || branch.tables.size() == 1) want[g][key] = 1;
    for (int64_t g = 0; g < 2; ++g) EXPECT_EQ(seen.of(g), want[g]) << g;
  }
}

TEST(LowBitRounding, MeansAreOfTheSeenKeys) {
  Tensor k(4, 1, 2);
  const float values[] = {1, 10, 2, 20, 6, 30, 1e9F, 1e9F};
  std::copy_n(values, 8, k.data<float>());
  EXPECT_EQ(seen_means(k, SeenKeys({.tables = {full_table(2, 3)}}, 1, 1, 4)),
            (std::vector<float>{3, 20}));
}

}  // namespace
}  // namespace vidattn
