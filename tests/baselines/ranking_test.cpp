#include "baselines/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace vidattn::ranking_test {
namespace {

/// Number of values that a ranking takes: those above the cut and its share of the ties.
int64_t taken(const std::vector<float>& values, const Ranking::Enough& enough) {
  Ranking ranking;
  for (int pass = 0; pass < Ranking::kPasses; ++pass) {
    for (float v : values) ranking.add(v);
    ranking.narrow(enough);
  }
  const auto above =
      std::count_if(values.begin(), values.end(), [&](float v) { return ranking.above(v); });
  const auto equal =
      std::count_if(values.begin(), values.end(), [&](float v) { return ranking.equal(v); });
  EXPECT_LE(ranking.ties(), equal);
  return above + ranking.ties();
}

std::vector<float> random_values(int count, float offset) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal(offset, 3);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  for (int i = 0; i < count; i += 3) values[i] = std::round(values[i]);  // ties
  return values;
}

TEST(Ranking, CountsLikeASort) {
  const auto values = random_values(1000, 0);
  for (int64_t k : {1, 2, 17, 500, 999, 1000})
    EXPECT_EQ(taken(values, [k](int64_t count, double) { return count >= k; }), k);
  EXPECT_EQ(taken(values, [](int64_t, double) { return false; }), 1000);
  EXPECT_EQ(taken({}, [](int64_t, double) { return true; }), 0);
  EXPECT_EQ(taken({0.0F, -0.0F, 0.0F}, [](int64_t count, double) { return count >= 2; }), 2);
}

TEST(Ranking, SumsLikeASort) {
  auto values = random_values(1000, 20);
  std::sort(values.begin(), values.end(), std::greater<>());
  for (double share : {0.001, 0.1, 0.5, 0.9, 0.9999}) {
    double total = 0, sum = 0;
    for (float v : values) total += v;
    const double needed = share * total;
    int64_t expected = 0;
    while (sum < needed) sum += values[expected++];
    EXPECT_EQ(taken(values, [=](int64_t, double s) { return s >= needed; }), expected) << share;
  }
}

}  // namespace
}  // namespace vidattn::ranking_test
