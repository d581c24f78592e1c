#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/compare.h"
#include "tests/support/plans.h"

namespace vidattn {

/// Tests of the default Vulkan device, skipped where there is none. The validation layers watch: a
/// message is a DeviceError, and so a failure. VIDATTN_VULKAN_VALIDATION=0 does without them where
/// they are not installed.
class VulkanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("VIDATTN_VULKAN_VALIDATION", "1", 0);
    try {
      device = &find_device("vulkan");
    } catch (const InputError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  void TearDown() override { unsetenv("VIDATTN_VULKAN_MEMORY_MIB"); }

  const Device* device = nullptr;
  Generator random{7};
};

}  // namespace vidattn
