#pragma once

#include <string>
#include <vector>
#include <vulkan/vulkan_raii.hpp>

#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// The loader with one instance of it, made at first use and kept until the program ends: drivers
/// do not like to be unloaded.
class Instance {
 public:
  /// Throws InputError when the loader is missing, an instance cannot be made, or the validation
  /// layers are asked for and not installed.
  static Instance& get();

  std::vector<vk::raii::PhysicalDevice> devices() const;
  /// A function that the headers may not know; null where no driver has it.
  PFN_vkVoidFunction function(const char* name) const;
  bool validating() const { return validating_; }
  /// Messages of the validation layers since the last call.
  std::vector<std::string> take_messages();

 private:
  Instance();
  static VKAPI_ATTR VkBool32 VKAPI_CALL note(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                             VkDebugUtilsMessageTypeFlagsEXT,
                                             const VkDebugUtilsMessengerCallbackDataEXT*, void*);
  bool validating_ = false;
  std::vector<std::string> messages_;
  vk::raii::Context context_;
  vk::raii::Instance instance_ = nullptr;
  vk::raii::DebugUtilsMessengerEXT messenger_ = nullptr;
};

GpuFacts read_facts(const vk::raii::PhysicalDevice& device);
/// GpuFacts::budget_bytes, as it is now.
int64_t memory_budget(const vk::raii::PhysicalDevice& device);
bool has_extension(const vk::raii::PhysicalDevice& device, const char* name);

}  // namespace vidattn::vulkan
