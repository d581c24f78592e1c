#include "baselines/running_largest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "attention/cpu/units/simd.h"
#include "baselines/largest.h"

namespace vidattn::running_largest_test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<int32_t> in_pieces(RunningLargest& row, const std::vector<float>& values, int64_t count,
                               float floor, int64_t piece) {
  row.begin(count, floor);
  const auto size = static_cast<int64_t>(values.size());
  for (int64_t i = 0; i < size; i += piece)
    row.add({&values[i], static_cast<size_t>(std::min(piece, size - i))}, i);
  return row.finish();
}

void expect_largest(const std::vector<float>& values, const std::string& what) {
  const auto size = static_cast<int64_t>(values.size());
  RunningLargest row;
  for (const int64_t count : {int64_t{1}, int64_t{2}, size / 7, size / 2, size, size + 9}) {
    if (count < 1) continue;
    const std::vector<int32_t> expected = largest(values, count);
    for (const int64_t piece : {int64_t{7}, int64_t{16}, RunningLargest::kPiece})
      EXPECT_EQ(in_pieces(row, values, count, -kInf, piece), expected)
          << what << " " << size << " " << count << " pieces " << piece;
  }
}

TEST(RunningLargest, ChoosesAsLargestDoesOnEveryInstructionSet) {
  for (const std::string& target : cpu_simd_targets()) {
    force_cpu_simd_target(target);
    for (const int64_t size : {1, 2, 15, 17, 513, 5000}) {
      std::mt19937_64 random(size);
      std::normal_distribution<float> normal(0, 2);
      std::vector<float> values(size);
      for (float& v : values) v = normal(random);
      expect_largest(values, target + " normal");
      std::vector<float> few = values;
      for (float& v : few) v = std::round(v);
      expect_largest(few, target + " ties");
      std::vector<float> rising = values;
      for (int64_t i = 0; i < size; ++i) rising[i] += static_cast<float>(i);
      expect_largest(rising, target + " rising");
      expect_largest(std::vector<float>(size, 0.0F), target + " equal");
      std::vector<float> odd = values;
      for (int64_t i = 0; i < size; ++i)
        if (const int64_t kind = i % 6; kind < 5)
          odd[i] = std::vector<float>{0.0F, -0.0F, kInf, -kInf, NAN}[kind];
      expect_largest(odd, target + " zeros, infinities, NaN");
    }
  }
  force_cpu_simd_target("");
}

TEST(RunningLargest, AFloorSparesNoneOfThemOrIsToldToBeTooHigh) {
  const std::vector<float> values{3, NAN, 1, 2, 2, 0, 2};
  RunningLargest row;
  EXPECT_EQ(in_pieces(row, values, 2, 2, 3), (std::vector<int32_t>{0, 3}));
  EXPECT_EQ(in_pieces(row, values, 4, 2, 3), (std::vector<int32_t>{0, 3, 4, 6}));
  EXPECT_TRUE(in_pieces(row, values, 5, 2, 3).empty());
  EXPECT_EQ(in_pieces(row, values, 7, -kInf, 3), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace vidattn::running_largest_test
