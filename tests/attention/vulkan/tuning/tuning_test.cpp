#include "attention/vulkan/tuning/tuning.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/error.h"

namespace vidattn::vulkan {
namespace {

/// A candidate that cannot be compiled, or whose result is wrong, would be dropped in silence.
TEST(VulkanTuningSlow, EveryCandidateIsRight) {
  setenv("VIDATTN_VULKAN_VALIDATION", "1", 0);
  unsetenv("VIDATTN_VULKAN_MATRIX");
  try {
    Gpu::list();
  } catch (const InputError& error) {
    GTEST_SKIP() << error.what();
  }
  Gpu gpu(0);
  Tuning tuning;
  for (DType dtype : {DType::f32, DType::f16, DType::bf16})
    for (int64_t dim : {32, 96, 128})
      EXPECT_EQ(tuning.kernels(gpu, dtype, dim).size(), candidates(gpu.facts(), dtype, dim).size())
          << "storage type " << static_cast<int>(dtype) << ", dim " << dim;
}

/// No candidate asks for more than the device has, the last portable one apart.
TEST(VulkanTuning, CandidatesFitTheLimits) {
  GpuFacts facts;
  facts.subgroup = 32;
  facts.shared_bytes = 48 << 10;
  facts.max_threads = 1024;
  facts.matrix_edge = 16;
  facts.matrix_modules = {"attend_reduce_bf16", "attend_reduce_f16"};
  int matrices = 0;
  for (const AttendKernel& kernel : candidates(facts, DType::f16, 128)) {
    EXPECT_LE(kernel.shape.threads(), facts.max_threads);
    if (!kernel.matrix()) continue;
    ++matrices;
    EXPECT_EQ(kernel.module, "attend_reduce_f16");
    EXPECT_EQ(kernel.shape.threads(), kernel.shape.queries() / kernel.edge * kernel.lanes);
    EXPECT_EQ(kernel.shape.keys(), kernel.shape.queries() / 2);
  }
  EXPECT_EQ(matrices, 2);
  facts.shared_bytes = 16 << 10;
  for (const AttendKernel& kernel : candidates(facts, DType::f16, 128))
    EXPECT_FALSE(kernel.matrix());
}

}  // namespace
}  // namespace vidattn::vulkan
