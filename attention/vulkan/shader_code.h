#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vidattn::vulkan {

/// SPIR-V of a module, compiled from shaders/ by the build (shaders/CMakeLists.txt).
std::span<const uint32_t> shader_code(const std::string& module);

/// Whether the build's compiler knew the extensions of an optional module.
bool has_shader(const std::string& module);

}  // namespace vidattn::vulkan
