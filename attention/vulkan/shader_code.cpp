#include "attention/vulkan/shader_code.h"

#include <map>

#include "shaders/modules.h"

namespace vidattn::vulkan {

std::span<const uint32_t> shader_code(const std::string& module) {
  return shader_modules.at(module);
}

bool has_shader(const std::string& module) { return shader_modules.contains(module); }

}  // namespace vidattn::vulkan
