#pragma once

#include <vulkan/vulkan_raii.hpp>

/// Cooperative matrices in the form that shaders/CMakeLists.txt chose: VK_KHR_cooperative_matrix,
/// or NVIDIA's older extension where the compiler or the headers do not know it.
namespace vidattn::vulkan {

#ifdef VIDATTN_MATRIX_KHR
inline constexpr const char* kMatrixExtension = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
using MatrixFeatures = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR;
using MatrixProperties = vk::CooperativeMatrixPropertiesKHR;
using MatrixComponent = vk::ComponentTypeKHR;
using MatrixScope = vk::ScopeKHR;
inline MatrixComponent result_type(const MatrixProperties& p) { return p.ResultType; }
inline auto matrix_properties(const vk::raii::PhysicalDevice& device) {
  return device.getCooperativeMatrixPropertiesKHR();
}
#else
inline constexpr const char* kMatrixExtension = VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME;
using MatrixFeatures = vk::PhysicalDeviceCooperativeMatrixFeaturesNV;
using MatrixProperties = vk::CooperativeMatrixPropertiesNV;
using MatrixComponent = vk::ComponentTypeNV;
using MatrixScope = vk::ScopeNV;
inline MatrixComponent result_type(const MatrixProperties& p) { return p.DType; }
inline auto matrix_properties(const vk::raii::PhysicalDevice& device) {
  return device.getCooperativeMatrixPropertiesNV();
}
#endif

}  // namespace vidattn::vulkan
