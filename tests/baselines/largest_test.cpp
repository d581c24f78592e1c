#include "baselines/largest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "attention/cpu/units/simd.h"

namespace vidattn::largest_test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// By a stable sort; NaN behind all numbers.
std::vector<int32_t> sorted(const std::vector<float>& values, int64_t count) {
  std::vector<int32_t> index(values.size());
  std::iota(index.begin(), index.end(), 0);
  std::stable_sort(index.begin(), index.end(), [&](int32_t a, int32_t b) {
    return values[a] > values[b] || (std::isnan(values[b]) && !std::isnan(values[a]));
  });
  index.resize(count);
  std::sort(index.begin(), index.end());
  return index;
}

void expect_sorted(const std::vector<float>& values, const std::string& what) {
  const auto size = static_cast<int64_t>(values.size());
  for (const int64_t count :
       {int64_t{1}, int64_t{2}, int64_t{8}, int64_t{16}, size / 7, size / 2, size - 1, size}) {
    if (count < 1 || count > size) continue;
    const std::vector<int32_t> expected = sorted(values, count);
    EXPECT_EQ(largest(values, count), expected) << what << " " << size << " " << count;
    std::vector<int32_t> chosen(count);
    EXPECT_EQ(largest(values, count, chosen.data()), count);
    EXPECT_EQ(chosen, expected) << what << " " << size << " " << count;
    if (count <= 8 && falling_largest(values, count, chosen.data())) {
      const auto falls = [&](int32_t a, int32_t b) {
        return values[a] > values[b] || (values[a] == values[b] && a < b);
      };
      EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end(), falls)) << what << " " << size;
      std::sort(chosen.begin(), chosen.end());
      EXPECT_EQ(chosen, expected) << what << " " << size << " " << count;
    }
    float least = kInf;
    for (const int32_t i : expected) least = std::min(least, values[i]);
    const auto nan = [](float x) { return std::isnan(x); };
    if (std::any_of(values.begin(), values.end(), nan)) continue;
    EXPECT_EQ(kth_largest(values, count), least) << what << " " << size << " " << count;
  }
}

TEST(Largest, AreThoseOfAStableSortOnEveryInstructionSet) {
  for (const std::string& target : cpu_simd_targets()) {
    force_cpu_simd_target(target);
    for (const int64_t size : {1, 2, 15, 16, 17, 47, 49, 488, 5000}) {
      std::mt19937_64 random(size);
      std::normal_distribution<float> normal(0, 2);
      std::vector<float> values(size);
      for (float& v : values) v = normal(random);
      expect_sorted(values, target + " normal");
      std::vector<float> few = values;
      for (float& v : few) v = std::round(v);
      expect_sorted(few, target + " ties");
      std::vector<float> wide = values;
      for (float& v : wide) v = std::copysign(std::exp(20 * v), v);
      expect_sorted(wide, target + " from denormal to infinite");
      std::vector<float> odd = values;
      for (int64_t i = 0; i < size; ++i)
        if (const int64_t kind = i % 6; kind < 5)
          odd[i] = std::vector<float>{0.0F, -0.0F, kInf, -kInf, NAN}[kind];
      expect_sorted(odd, target + " zeros, infinities, NaN");
    }
  }
  force_cpu_simd_target("");
}

TEST(Largest, AFewFallUnlessOneIsNoNumber) {
  int32_t chosen[3] = {};
  ASSERT_TRUE(falling_largest(std::vector<float>{1, 3, NAN, 2, 3}, 3, chosen));
  EXPECT_EQ(std::vector<int32_t>(chosen, chosen + 3), (std::vector<int32_t>{1, 4, 3}));
  EXPECT_FALSE(falling_largest(std::vector<float>{1, NAN}, 2, chosen));
  EXPECT_FALSE(falling_largest(std::vector<float>{1, -kInf}, 2, chosen));
  EXPECT_TRUE(falling_largest({}, 0, chosen));
}

TEST(Largest, AtMostAllAndAtLeastNone) {
  EXPECT_EQ(largest(std::vector<float>{1, 2}, 5), (std::vector<int32_t>{0, 1}));
  EXPECT_TRUE(largest(std::vector<float>{1, 2}, 0).empty());
  EXPECT_TRUE(largest({}, 3).empty());
  EXPECT_EQ(indices_from(std::vector<float>{1, 3, 2, NAN, 3}, 2), (std::vector<int32_t>{1, 2, 4}));
  EXPECT_EQ(count_from(std::vector<float>{1, 3, 2, NAN, 3}, 2), 3);
}

}  // namespace
}  // namespace vidattn::largest_test
