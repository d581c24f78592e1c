#include "attention/device.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/error.h"
#include "tests/attention/vulkan/vulkan_test.h"

// Mesa and LLVM keep some memory until the program ends.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libvulkan\nleak:libLLVM\nleak:libVkLayer\nleak:libdrm\n";
}

namespace vidattn {
namespace {

/// What only Vulkan devices have: tests/attention/device_*_test.cpp hold for any device. "Slow":
/// Mesa and LLVM under the sanitizers are.
class VulkanDeviceSlow : public VulkanTest {
 protected:
  void expect_matches(const Plan& plan, const Inputs& in, double tolerance = 2e-6) const {
    expect_matches_reference(*device, plan, in, {tolerance, 2e-6F});
  }
};

TEST_F(VulkanDeviceSlow, TransfersThroughStaging) {
  const Inputs in = random_inputs(130, 130, 2, 1, 24, random);
  setenv("VIDATTN_VULKAN_STAGING", "1", 1);
  expect_matches(many_branches(130, 2, 24, random), in);
  unsetenv("VIDATTN_VULKAN_STAGING");
}

/// More keys than llvmpipe's limit on loop iterations lets one invocation see, and a maximum that
/// stays where it is over more than a thousand tiles.
TEST_F(VulkanDeviceSlow, LongKeyLists) {
  const int64_t keys = 90'000;
  Inputs in = random_inputs(48, keys, 1, 1, 32, random);
  HeadTable pieces, bands;
  for (int32_t k = 0; k < keys; k += 3) pieces.ranges.push_back({k, k + 2});
  pieces.segments.push_back({0, 48, 0, static_cast<int32_t>(pieces.ranges.size())});
  bands.add(0, 48, {{0, 80'000, 10, 70'000}, {85'000, 90'000}});
  // The mean of so many random values is small beside the rounding of their sum.
  for (const HeadTable& table : {full_table(48, keys), pieces, bands})
    expect_matches(one_branch({.tables = {table}}), in, 1e-5);
}

/// Less memory: heads one by one, then blocks of tokens, then a refusal; the limit holds for what
/// is really allocated.
TEST_F(VulkanDeviceSlow, SmallMemory) {
  const Inputs in = random_inputs(1500, 1500, 4, 2, 24, random);
  const Plan plan = many_branches(1500, 4, 24, random);
  Output want, got;
  device->run(plan, in, want);
  int refused = 0;
  for (const char* mebibytes : {"8", "5", "3", "2", "1.5", "0.5"}) {
    SCOPED_TRACE(mebibytes);
    setenv("VIDATTN_VULKAN_MEMORY_MIB", mebibytes, 1);
    try {
      device->run(plan, in, got);
      EXPECT_LE(relative_l2(got.o, want.o), 1e-6);
      expect_same_lse(got, want, 2e-6F);
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("MiB"), std::string::npos) << error.what();
      ++refused;
    }
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 3);
}

/// After a failure inside a run the device opens again.
TEST_F(VulkanDeviceSlow, OpensAgainAfterAFailure) {
  const Inputs in = random_inputs(70, 70, 1, 1, 32, random);
  const Plan plan = one_branch({.tables = {full_table(70, 70)}});
  expect_matches(plan, in);
  Plan wrong = plan;  // not valid: the gate has no float values, which is found half way
  auto gate = std::make_shared<Array>();
  gate->values = std::vector<int32_t>(70 * 32);
  wrong.branches[0].channel_weight = gate;
  Output out;
  EXPECT_ANY_THROW(device->run(wrong, in, out));
  expect_matches(plan, in);
}

TEST_F(VulkanDeviceSlow, TimesAreReported) {
  const Inputs in = random_inputs(256, 256, 1, 1, 32, random);
  Output out;
  device->run(one_branch({.tables = {full_table(256, 256)}}), in, out);
  EXPECT_GT(out.times.device, 0);
  EXPECT_GT(out.times.upload, 0);
  EXPECT_GT(out.times.download, 0);
}

TEST_F(VulkanDeviceSlow, Names) {
  EXPECT_EQ(&find_device("vulkan:0"), device_families()[0]->members()[0]);
  EXPECT_EQ(&find_device("vulkan:" + device->title().substr(0, 4)), device);
  try {
    find_device("vulkan:no such card");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(device->title()), std::string::npos);
  }
  EXPECT_THROW(find_device("vulkan:99"), InputError);
}

}  // namespace
}  // namespace vidattn
