#include "metrics/machine/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace vidattn {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kBlock = 32 * kMiB;

std::unique_ptr<char[]> touched_block() {
  std::unique_ptr<char[]> block(new char[kBlock]);
  std::memset(block.get(), 1, kBlock);
  return block;
}

TEST(PeakMemory, SeesMemoryInUse) {
  const PeakMemory peak;
  const auto block = touched_block();
  const auto extra = peak.extra_bytes();
  if (!extra) GTEST_SKIP() << "this system does not tell peak memory";
  EXPECT_NEAR(static_cast<double>(*extra), kBlock, 2 * kMiB);
}

TEST(PeakMemory, SeesMemoryThatWasGivenBack) {
  const PeakMemory peak;
  touched_block().reset();
  const auto extra = peak.extra_bytes();
  if (!extra) GTEST_SKIP() << "this system does not tell peak memory";
#if defined(__SANITIZE_ADDRESS__)
  EXPECT_GT(*extra, kBlock - 2 * kMiB);  // freed memory stays in quarantine
#else
  EXPECT_NEAR(static_cast<double>(*extra), kBlock, 2 * kMiB);
#endif
}

TEST(PeakMemory, ForgetsEarlierPeaks) {
  touched_block().reset();
  const PeakMemory peak;
  const auto extra = peak.extra_bytes();
  if (!extra) GTEST_SKIP() << "this system does not tell peak memory";
  EXPECT_LT(*extra, 2 * kMiB);
}

}  // namespace
}  // namespace vidattn
