#include "metrics/peak.h"

#include <gtest/gtest.h>

#include <string>

namespace vidattn {
namespace {

void check_peak(double (*measure)(int)) {
  const double one = measure(1), two = measure(2);
  testing::Test::RecordProperty("one_thread", std::to_string(one));
  testing::Test::RecordProperty("two_threads", std::to_string(two));
  EXPECT_GT(one, 1);
  EXPECT_LT(one, 10'000);  // beyond any core: the loop was optimized away
  EXPECT_GE(two, 0.9 * one);
}

TEST(Peak, MultiplyAdd) { check_peak(fma_peak_gflops); }
TEST(Peak, CopyBandwidth) { check_peak(copy_bandwidth_gbs); }

TEST(Peak, Bf16DotProduct) {
  if (bf16_peak_gflops(1) == 0) GTEST_SKIP() << "no bfloat16 dot product on this CPU";
  check_peak(bf16_peak_gflops);
}

}  // namespace
}  // namespace vidattn
