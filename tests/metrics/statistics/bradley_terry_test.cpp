#include "metrics/statistics/bradley_terry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace vidattn {
namespace {

/// So many wins of a over b, each by a rater and for a prompt of its own.
void add_wins(std::vector<Comparison>& all, int64_t a, int64_t b, int wins) {
  for (int i = 0; i < wins; ++i) {
    const auto n = static_cast<int64_t>(all.size());
    all.push_back({n, n, a, b, 1});
  }
}

TEST(BradleyTerry, OfTwoIsTheLogOfTheOdds) {
  std::vector<Comparison> all;
  add_wins(all, 0, 1, 3);
  add_wins(all, 1, 0, 1);
  const BradleyTerry fit = bradley_terry(all, 2);
  EXPECT_NEAR(fit.strength[0] - fit.strength[1], std::log(3.0), 1e-8);
  EXPECT_NEAR(fit.strength[0] + fit.strength[1], 0, 1e-12);
}

TEST(BradleyTerry, CountsATieAsHalfAWinOfEach) {
  std::vector<Comparison> all{{0, 0, 0, 1, 0.5}, {1, 1, 1, 0, 0.5}, {2, 2, 0, 1, 1}};
  const BradleyTerry fit = bradley_terry(all, 2);
  EXPECT_NEAR(fit.strength[0] - fit.strength[1], std::log(2.0), 1e-8);  // 2 : 1
}

/// The likelihood's equations: each item's expected wins are its wins, which holds nowhere else.
TEST(BradleyTerry, ExpectedWinsAreTheWins) {
  std::vector<Comparison> all;
  const int wins[4][4] = {{0, 2, 0, 1}, {3, 0, 5, 0}, {0, 3, 0, 1}, {4, 0, 3, 0}};
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 4; ++b) add_wins(all, a, b, wins[a][b]);
  const BradleyTerry fit = bradley_terry(all, 4);
  for (int a = 0; a < 4; ++a) {
    double won = 0, expected = 0;
    for (int b = 0; b < 4; ++b) {
      won += wins[a][b];
      expected += (wins[a][b] + wins[b][a]) / (1 + std::exp(fit.strength[b] - fit.strength[a]));
    }
    EXPECT_NEAR(expected, won, 1e-7) << a;
  }
  // The worths that are printed for these games in Wikipedia's "Bradley–Terry model".
  const double worths[] = {0.640, 1.043, 0.660, 2.270};
  for (int a = 0; a < 4; ++a) EXPECT_NEAR(std::exp(fit.strength[a]), worths[a], 1e-3) << a;
}

TEST(BradleyTerry, IsEmptyWhereStrengthsAreInfinite) {
  std::vector<Comparison> all;
  add_wins(all, 0, 1, 3);
  EXPECT_TRUE(bradley_terry(all, 2).strength.empty());
  add_wins(all, 1, 2, 1);
  add_wins(all, 2, 1, 1);  // 0 was never beaten
  EXPECT_TRUE(bradley_terry(all, 3).strength.empty());
  EXPECT_TRUE(bradley_terry({}, 2).strength.empty());
}

/// Independent games: the sandwich is near the inverse of the information.
TEST(BradleyTerry, StandardErrorCoversTheTruth) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform;
  const double truth[] = {0.4, 0, -0.4};
  int covered = 0;
  constexpr int kStudies = 200;
  for (int study = 0; study < kStudies; ++study) {
    std::vector<Comparison> all;
    for (int64_t rater = 0; rater < 20; ++rater)
      for (int64_t prompt = 0; prompt < 8; ++prompt)
        for (int64_t a = 0; a < 3; ++a)
          for (int64_t b = a + 1; b < 3; ++b)
            all.push_back({rater, prompt, a, b,
                           uniform(random) < 1 / (1 + std::exp(truth[b] - truth[a])) ? 1.0 : 0.0});
    const BradleyTerry fit = bradley_terry(all, 3);
    covered += std::abs(fit.strength[0] - truth[0]) < 1.96 * fit.standard_error[0];
  }
  EXPECT_GE(covered, 186);  // 93%
  EXPECT_LE(covered, 200);
}

}  // namespace
}  // namespace vidattn
