#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <vulkan/vulkan_raii.hpp>

namespace vidattn::vulkan {

/// Which of the modules made from attend_matrix.comp a device can run, best first, and what has to
/// be switched on for them. Written against the extensions' registered numbers, because Debian 12's
/// headers know only the oldest of them.
struct MatrixSupport {
  std::vector<std::string> shapes;   ///< "16x16x16 f16*f16+f32", for people
  std::vector<std::string> modules;  ///< of shaders/attend_matrix.comp
  uint32_t edge = 0;                 ///< of the square matrices that they use; 0 = none
  bool nv = false, khr = false, reduce = false, bf16 = false;
};

MatrixSupport read_matrix_support(const vk::raii::PhysicalDevice& device, uint32_t subgroup);

/// Extensions and features of a MatrixSupport, to be chained into a device's creation info.
class MatrixFeatures {
 public:
  explicit MatrixFeatures(const MatrixSupport& support);
  MatrixFeatures(const MatrixFeatures&) = delete;
  MatrixFeatures& operator=(const MatrixFeatures&) = delete;
  const std::vector<const char*>& extensions() const { return extensions_; }
  void* chain() { return chain_; }

 private:
  /// Any feature structure: they are a header and switches.
  struct Switches {
    VkStructureType type;
    void* next;
    VkBool32 on[8];
  };
  void add(Switches& switches, const char* extension);

  Switches nv_, khr_, reduce_, bf16_;
  std::vector<const char*> extensions_;
  void* chain_ = nullptr;
};

}  // namespace vidattn::vulkan
