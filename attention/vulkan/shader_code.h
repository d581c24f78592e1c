#pragma once

#include <cstdint>
#include <span>

#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// SPIR-V of a kernel, compiled from shaders/ by the build.
std::span<const uint32_t> shader_code(Kernel kernel);

}  // namespace vidattn::vulkan
