#include "attention/vulkan/tuning.h"

namespace vidattn::vulkan {

std::vector<AttendKernel> tuned_kernels(Gpu&, Pace&, DType dtype, int64_t padded_dim) {
  const Kernel kernel = dtype == DType::f32   ? Kernel::attend_f32
                        : dtype == DType::f16 ? Kernel::attend_f16
                                              : Kernel::attend_bf16;
  TileShape shape{8, 8, 8, 1};
  if (const char* t = getenv("VK_TILE")) sscanf(t, "%u,%u,%u,%u", &shape.rows, &shape.cols, &shape.tile_queries, &shape.tile_keys4);
  return {{kernel, shape, static_cast<uint32_t>(padded_dim / 4)}};
}

}  // namespace vidattn::vulkan
