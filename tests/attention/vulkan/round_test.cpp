#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "attention/dtype.h"
#include "attention/vulkan/gpu.h"
#include "tests/attention/vulkan/vulkan_test.h"

namespace vidattn::vulkan {
namespace {

using VulkanRound = VulkanTest;

/// Every exponent, with mantissas at and beside the ties of both types, and random words.
std::vector<float> hard_values() {
  std::vector<float> values;
  for (uint32_t exponent = 0; exponent < 256; ++exponent)
    for (uint32_t tie : {0x0U, 0x1000U, 0x3000U, 0x8000U, 0x18000U, 0x7fe000U, 0x7fffffU})
      for (uint32_t word : {tie - 1, tie, tie + 1})
        for (uint32_t sign : {0U, 1U})
          values.push_back(std::bit_cast<float>(sign << 31 | exponent << 23 | (word & 0x7fffff)));
  std::mt19937 random(1);
  while (values.size() % 4 != 0 || values.size() < 100'000)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  return values;
}

/// The values as round.comp rounds them.
template <class T>
std::vector<T> rounded_on_device(const std::vector<float>& values, const std::string& module) {
  Gpu gpu(0);
  const auto count = static_cast<int64_t>(values.size());
  Buffer from = gpu.allocate(count * 4, "a test"), to = gpu.allocate(count * 2, "a test");
  gpu.write(from, count * 4, 4, [&](std::byte* place, int64_t first, int64_t bytes) {
    std::memcpy(place, reinterpret_cast<const std::byte*>(values.data()) + first, bytes);
  });
  gpu.dispatch({module, {}}, {&from, &to}, static_cast<uint32_t>(count / 4), 16);
  gpu.submit();
  std::vector<T> rounded(values.size());
  gpu.read(to, count * 2, 2, [&](const std::byte* place, int64_t first, int64_t bytes) {
    std::memcpy(reinterpret_cast<std::byte*>(rounded.data()) + first, place, bytes);
  });
  return rounded;
}

/// Equal bits, or both not a number.
bool same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

template <class T>
void expect_as_on_host(const std::string& module) {
  const std::vector<float> values = hard_values();
  const std::vector<T> rounded = rounded_on_device<T>(values, module);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto own = static_cast<float>(rounded[i]), host = static_cast<float>(T(values[i]));
    ASSERT_TRUE(same(own, host)) << values[i] << ": " << own << ", on the host " << host;
  }
}

TEST_F(VulkanRound, HalvesAreTheHosts) { expect_as_on_host<Float16>("round_f16"); }
TEST_F(VulkanRound, BrainFloatsAreTheHosts) { expect_as_on_host<BFloat16>("round_bf16"); }

}  // namespace
}  // namespace vidattn::vulkan
