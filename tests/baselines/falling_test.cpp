#include "baselines/falling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace vidattn::falling_test {
namespace {

std::vector<int32_t> sorted(const std::vector<double>& values) {
  std::vector<int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return values[a] > values[b]; });
  return order;
}

TEST(Falling, IsAStableSort) {
  for (const int64_t size : {0, 1, 2, 17, 1000}) {
    std::mt19937_64 random(size);
    std::normal_distribution<double> normal;
    std::vector<double> values(size);
    for (double& v : values) v = normal(random);
    EXPECT_EQ(by_falling(values), sorted(values)) << "normal " << size;
    std::vector<double> wide = values;
    for (double& v : wide) v = std::exp(200 * v);
    EXPECT_EQ(by_falling(wide), sorted(wide)) << "from denormal to infinite " << size;
    std::vector<double> near = values;
    for (double& v : near) v = 1 + 1e-12 * v;
    EXPECT_EQ(by_falling(near), sorted(near)) << "the lower half alone differs " << size;
    std::vector<double> few = values;
    for (double& v : few) v = std::round(v);  // -0, too
    EXPECT_EQ(by_falling(few), sorted(few)) << "ties " << size;
  }
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(by_falling(std::vector<double>{-kInf, 0.0, kInf, -0.0, -1}),
            (std::vector<int32_t>{2, 1, 3, 4, 0}));
}

}  // namespace
}  // namespace vidattn::falling_test
