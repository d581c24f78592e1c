#include "harness/tables/operators/scaling.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

OperatorTime timed(const std::string& label, int64_t tokens, double scale,
                   const std::vector<double>& rounds) {
  OperatorTime time{label, label};
  time.tokens = tokens;
  time.scale = scale;
  time.plan_seconds = 0;
  time.run_seconds = rounds[rounds.size() / 2];
  time.rounds = rounds;
  return time;
}

TEST(ScalingErrors, AreTheOwnOrTheLargestOrTheDeviationOfTheRounds) {
  const OperatorTime full = timed("full", 100, 10, {10.2, 10.2, 10.2}),
                     sparse = timed("M=5", 100, 4, {4.2, 4.2, 4.2}),
                     longer = timed("full", 200, 40, {40, 40, 40}),
                     restless = timed("M=5", 200, 16, {14.4, 16, 17.6});
  const ScalingErrors errors(
      {{100,
        {full, sparse},
        {timed("full", 100, 1, {10, 10, 10}), timed("M=5", 100, 1, {4, 4, 4})}},
       {200, {longer, restless}}});
  EXPECT_NEAR(errors.of(full), 0.02, 1e-12);
  EXPECT_NEAR(errors.of(sparse), 0.05, 1e-12);
  EXPECT_NEAR(errors.of(longer), 0.05, 1e-12) << "not run whole: the largest";
  EXPECT_NEAR(errors.of(restless), 0.1, 1e-12);
  EXPECT_TRUE(std::isnan(errors.of(timed("full", 100, 1, {1, 1, 1})))) << "is not scaled";
  EXPECT_NE(errors.note().find("full at 100: +2.0% (+2.0 to +2.0), M=5 at 100: +5.0%"),
            std::string::npos)
      << errors.note();
  EXPECT_NE(errors.note().find("Largest median: 5.0%"), std::string::npos) << errors.note();
}

// An error that nobody measured is not zero.
TEST(ScalingErrors, AreUnknownWhereNothingWasRunWhole) {
  const OperatorTime full = timed("full", 100, 10, {10.2});
  const ScalingErrors errors({{100, {full}}});
  EXPECT_TRUE(std::isnan(errors.of(full)));
  EXPECT_NE(errors.note().find("unknown"), std::string::npos) << errors.note();
}

TEST(ScalingErrors, AddUpInAQuotient) {
  EXPECT_NEAR(error_of_ratio(0.03, 0.04), 0.05, 1e-12);
  EXPECT_EQ(error_of_ratio(NAN, 0.04), 0.04);
  EXPECT_EQ(error_of_ratio(0.03, NAN), 0.03);
  EXPECT_TRUE(std::isnan(error_of_ratio(NAN, NAN)));
}

}  // namespace
}  // namespace vidattn
