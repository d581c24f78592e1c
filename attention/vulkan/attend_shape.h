#pragma once

#include <cstdint>

namespace vidattn::vulkan {

/// Push constants of the attend kernels; shaders/plan.glsl says what each field is.
struct AttendShape {
  uint32_t item, rows, positions, ranges, heads_per_table, group_head;
  uint32_t head_step = 1;
  uint32_t first_head, first_kv_head, head_ratio, query_rows, key_rows, resume;
  uint32_t bias = UINT32_MAX;  // none
  float scale;
};

}  // namespace vidattn::vulkan
