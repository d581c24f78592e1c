#include "attention/vulkan/shader_code.h"

#include "shaders/attend_bf16.h"
#include "shaders/attend_f16.h"
#include "shaders/attend_f32.h"
#include "shaders/attend_matrix.h"
#include "shaders/combine.h"
#include "shaders/group_offsets.h"
#include "shaders/group_sort.h"
#include "shaders/route.h"
#include "shaders/router_scores.h"

namespace vidattn::vulkan {

std::span<const uint32_t> shader_code(Kernel kernel) {
  switch (kernel) {
    case Kernel::attend_f32:
      return attend_f32_code;
    case Kernel::attend_f16:
      return attend_f16_code;
    case Kernel::attend_bf16:
      return attend_bf16_code;
    case Kernel::attend_matrix:
      return attend_matrix_code;
    case Kernel::combine:
      return combine_code;
    case Kernel::router_scores:
      return router_scores_code;
    case Kernel::route:
      return route_code;
    case Kernel::group_offsets:
      return group_offsets_code;
    case Kernel::group_sort:
      return group_sort_code;
  }
  return {};
}

}  // namespace vidattn::vulkan
