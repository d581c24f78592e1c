#include "harness/host/preflight.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <unistd.h>

namespace vidattn {
namespace {

TEST(Preflight, SharesAreOfTheTimeBetweenTwoReadings) {
  const CpuTicks from{1000, 400, 10}, to{1200, 560, 30};
  EXPECT_DOUBLE_EQ(stolen_share(from, to), 0.1);
  EXPECT_EQ(stolen_share(from, from), 0);
  // 160 of 200 ticks were busy. Of these 100 were ours, so others held 0.3 of all CPUs.
  const double own = 100.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  EXPECT_NEAR(cpus_of_others(from, to, own), 0.3 * omp_get_num_procs(), 1e-9);
  EXPECT_EQ(cpus_of_others(from, to, 2 * own), 0) << "readings are not exact";
  EXPECT_EQ(cpus_of_others(from, from, own), 0);
}

TEST(Preflight, ReadsTheCpusOfThisMachine) {
  const CpuTicks ticks = cpu_ticks();
  if (ticks.total == 0) GTEST_SKIP() << "no /proc/stat";
  EXPECT_GT(ticks.busy, 0);
  EXPECT_LE(ticks.busy + ticks.stolen, ticks.total);
}

TEST(Preflight, OneInvalidCheckIsEnough) {
  using State = PreflightCheck::State;
  EXPECT_FALSE(preflight_invalid({{"load", State::pass, ""}, {"noise", State::warn, ""}}));
  EXPECT_TRUE(preflight_invalid({{"load", State::pass, ""}, {"noise", State::invalid, ""}}));
}

}  // namespace
}  // namespace vidattn
