#include "attention/vulkan/gpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <numeric>

#include "attention/error.h"
#include "attention/vulkan/buffer_pool.h"

namespace vidattn::vulkan {
namespace {

class VulkanGpuSlow : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("VIDATTN_VULKAN_VALIDATION", "1", 0);
    try {
      Gpu::list();
    } catch (const InputError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

/// Directly, and through staging memory in several pieces.
TEST_F(VulkanGpuSlow, BuffersComeBack) {
  Gpu gpu(0);
  const int64_t count = 20'000'000, bytes = count * 4;
  std::vector<uint32_t> values(count), back(count);
  std::iota(values.begin(), values.end(), 1);
  for (bool staging : {false, true}) {
    if (staging) setenv("VIDATTN_VULKAN_STAGING", "1", 1);
    Buffer buffer = gpu.allocate(bytes, "a test");
    unsetenv("VIDATTN_VULKAN_STAGING");
    gpu.write(buffer, bytes, 12, [&](std::byte* to, int64_t first, int64_t size) {
      std::memcpy(to, reinterpret_cast<std::byte*>(values.data()) + first, size);
    });
    const auto read = [&] {
      gpu.read(buffer, bytes, 20, [&](const std::byte* from, int64_t first, int64_t size) {
        std::memcpy(reinterpret_cast<std::byte*>(back.data()) + first, from, size);
      });
    };
    read();
    EXPECT_EQ(back, values);
    gpu.clear(buffer);
    gpu.submit();
    read();
    EXPECT_EQ(back, std::vector<uint32_t>(count));
  }
}

/// A freed buffer counts as free, is taken again, and makes way for one of another size.
TEST_F(VulkanGpuSlow, FreedBuffersServeAgain) {
  setenv("VIDATTN_VULKAN_STAGING", "1", 1);
  setenv("VIDATTN_VULKAN_MEMORY_MIB", "8", 1);
  {
    Gpu gpu(0);
    const auto make = [&](int64_t mebi) { return gpu.allocate(mebi << 20, "a test"); };
    const auto handle = [](const Buffer& buffer) { return *buffer.handles().buffer; };
    const int64_t left = gpu.memory_left();
    const vk::Buffer first = handle(make(5));
    EXPECT_EQ(gpu.memory_left(), left);
    EXPECT_EQ(handle(make(5)), first);
    const Buffer other = make(6);
    EXPECT_EQ(gpu.memory_left(), left - (6 << 20));
    EXPECT_THROW(make(5), DeviceError);
  }
  unsetenv("VIDATTN_VULKAN_STAGING");
  unsetenv("VIDATTN_VULKAN_MEMORY_MIB");
}

/// The layers really watch: a misuse is an error.
TEST_F(VulkanGpuSlow, ValidationMessageFails) {
  if (std::string(std::getenv("VIDATTN_VULKAN_VALIDATION")) == "0") GTEST_SKIP() << "no layers";
  Gpu gpu(0);
  Buffer buffer = gpu.allocate(64, "a test");
  const char three_bytes[3] = {};  // push constants come in whole words
  gpu.dispatch({"combine", {}}, {&buffer, &buffer, &buffer, &buffer, &buffer, &buffer}, three_bytes,
               1);
  EXPECT_THROW(gpu.submit(), DeviceError);
}

TEST_F(VulkanGpuSlow, OpensAgain) {
  for (int i = 0; i < 3; ++i) {
    Gpu gpu(0);
    Buffer buffer = gpu.allocate(1 << 20, "a test");
    gpu.clear(buffer);
    EXPECT_GE(gpu.submit(), 0);
  }
}

TEST_F(VulkanGpuSlow, OutOfMemoryIsOneLine) {
  Gpu gpu(0);
  try {
    gpu.allocate(int64_t{1} << 50, "a test");
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("a test"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace vidattn::vulkan
