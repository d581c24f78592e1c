#include "metrics/statistics/proportion.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

// Brown, Cai and DasGupta 2001; by statsmodels' proportion_confint(…, method="wilson").
TEST(Proportion, IsWilsons) {
  const Proportion half = wilson_interval(5, 10);
  EXPECT_NEAR(half.low, 0.2365931, 1e-6);
  EXPECT_NEAR(half.high, 0.7634069, 1e-6);
  const Proportion none = wilson_interval(0, 20);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.1611252, 1e-6);
  EXPECT_EQ(wilson_interval(20, 20).high, 1);
}

TEST(Proportion, RefusesWhatIsNoShare) {
  EXPECT_THROW(wilson_interval(0, 0), InputError);
  EXPECT_THROW(wilson_interval(3, 2), InputError);
  EXPECT_THROW(wilson_interval(-1, 2), InputError);
}

}  // namespace
}  // namespace vidattn
