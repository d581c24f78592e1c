#include "attention/vulkan/instance.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "attention/error.h"
#include "attention/vulkan/matrix.h"

namespace vidattn::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

bool asked_for_validation() {
  const char* value = std::getenv("VIDATTN_VULKAN_VALIDATION");
  return value && std::strcmp(value, "0") != 0 && *value != '\0';
}

vk::raii::Context load() {
  try {
    return vk::raii::Context();
  } catch (const std::exception&) {
    throw InputError(
        "vulkan: no loader (libvulkan.so.1) on this machine; Debian has it in "
        "libvulkan1, and a driver for machines without a GPU in mesa-vulkan-drivers");
  }
}

std::string version_text(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." +
         std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

std::string kind_of(vk::PhysicalDeviceType type) {
  switch (type) {
    case vk::PhysicalDeviceType::eCpu:
      return "cpu";
    case vk::PhysicalDeviceType::eIntegratedGpu:
      return "integrated";
    case vk::PhysicalDeviceType::eDiscreteGpu:
      return "discrete";
    case vk::PhysicalDeviceType::eVirtualGpu:
      return "virtual";
    default:
      return "other";
  }
}

void read_memory(const vk::raii::PhysicalDevice& device, GpuFacts& facts) {
  const bool budgets = has_extension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  const auto chain = device.getMemoryProperties2<vk::PhysicalDeviceMemoryProperties2,
                                                 vk::PhysicalDeviceMemoryBudgetPropertiesEXT>();
  const auto& memory = chain.get<vk::PhysicalDeviceMemoryProperties2>().memoryProperties;
  const auto& budget = chain.get<vk::PhysicalDeviceMemoryBudgetPropertiesEXT>();
  for (uint32_t h = 0; h < memory.memoryHeapCount; ++h) {
    const auto size = static_cast<int64_t>(memory.memoryHeaps[h].size);
    if (!(memory.memoryHeaps[h].flags & vk::MemoryHeapFlagBits::eDeviceLocal) ||
        size <= facts.memory_bytes)
      continue;
    facts.memory_bytes = size;
    facts.budget_bytes =
        budgets ? static_cast<int64_t>(budget.heapBudget[h] -
                                       std::min(budget.heapUsage[h], budget.heapBudget[h]))
                : size;
  }
}

}  // namespace

bool has_extension(const vk::raii::PhysicalDevice& device, const char* name) {
  const auto all = device.enumerateDeviceExtensionProperties();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& e) { return std::strcmp(e.extensionName, name) == 0; });
}

int64_t memory_budget(const vk::raii::PhysicalDevice& device) {
  GpuFacts facts;
  read_memory(device, facts);
  return facts.budget_bytes;
}

GpuFacts read_facts(const vk::raii::PhysicalDevice& device) {
  const auto properties =
      device.getProperties2<vk::PhysicalDeviceProperties2, vk::PhysicalDeviceVulkan11Properties,
                            vk::PhysicalDeviceVulkan12Properties>();
  const auto features =
      device.getFeatures2<vk::PhysicalDeviceFeatures2, vk::PhysicalDeviceVulkan11Features,
                          vk::PhysicalDeviceVulkan12Features>();
  const auto& base = properties.get<vk::PhysicalDeviceProperties2>().properties;
  const auto& driver = properties.get<vk::PhysicalDeviceVulkan12Properties>();
  GpuFacts facts;
  facts.name = base.deviceName.data();
  facts.kind = kind_of(base.deviceType);
  facts.driver = std::string(driver.driverName.data()) + " " + driver.driverInfo.data();
  facts.api = version_text(base.apiVersion);
  // LP_MAX_TGSI_LOOP_ITERATIONS of Mesa's gallivm, counted over all loops together.
  if (facts.driver.starts_with("llvmpipe")) facts.loop_limit = 65535;
  facts.subgroup = properties.get<vk::PhysicalDeviceVulkan11Properties>().subgroupSize;
  facts.shared_bytes = base.limits.maxComputeSharedMemorySize;
  facts.max_threads = base.limits.maxComputeWorkGroupInvocations;
  facts.storage_range = base.limits.maxStorageBufferRange;
  facts.storage16 =
      features.get<vk::PhysicalDeviceVulkan11Features>().storageBuffer16BitAccess == VK_TRUE;
  facts.float16 = features.get<vk::PhysicalDeviceVulkan12Features>().shaderFloat16 == VK_TRUE;
  const MatrixSupport matrix = read_matrix_support(device, facts.subgroup);
  facts.cooperative = matrix.shapes;
  facts.matrix_modules = matrix.modules;
  facts.matrix_edge = matrix.edge;
  read_memory(device, facts);
  return facts;
}

Instance& Instance::get() {
  static auto* instance = new Instance;  // never destroyed, see the header
  return *instance;
}

Instance::Instance() : validating_(asked_for_validation()), context_(load()) {
  const vk::ApplicationInfo application("vidattn", 1, nullptr, 0, VK_API_VERSION_1_3);
  std::vector<const char*> layers, extensions;
  if (validating_) {
    layers.push_back(kValidationLayer);
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
  }
  const auto check = vk::ValidationFeatureEnableEXT::eSynchronizationValidation;
  const vk::ValidationFeaturesEXT features(check);
  const vk::InstanceCreateInfo info({}, &application, layers, extensions,
                                    validating_ ? &features : nullptr);
  try {
    instance_ = vk::raii::Instance(context_, info);
  } catch (const vk::LayerNotPresentError&) {
    throw InputError("vulkan: VIDATTN_VULKAN_VALIDATION is set, but " +
                     std::string(kValidationLayer) +
                     " is not installed (Debian: vulkan-validationlayers)");
  } catch (const vk::SystemError& error) {
    throw InputError(std::string("vulkan: no driver could be loaded (") + error.what() +
                     "); Debian has one for machines without a GPU in mesa-vulkan-drivers");
  }
  if (!validating_) return;
  // The C struct: vulkan.hpp changed the callback's type between versions.
  VkDebugUtilsMessengerCreateInfoEXT watch{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  watch.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                          VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  watch.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                      VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  watch.pfnUserCallback = note;
  watch.pUserData = &messages_;
  messenger_ = vk::raii::DebugUtilsMessengerEXT(instance_, watch);
}

VKAPI_ATTR VkBool32 VKAPI_CALL Instance::note(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                              VkDebugUtilsMessageTypeFlagsEXT,
                                              const VkDebugUtilsMessengerCallbackDataEXT* data,
                                              void* messages) {
  static_cast<std::vector<std::string>*>(messages)->push_back(data->pMessage);
  return VK_FALSE;
}

PFN_vkVoidFunction Instance::function(const char* name) const {
  return instance_.getProcAddr(name);
}

std::vector<std::string> Instance::take_messages() { return std::exchange(messages_, {}); }

std::vector<vk::raii::PhysicalDevice> Instance::devices() const {
  std::vector<vk::raii::PhysicalDevice> found;
  try {
    found = vk::raii::PhysicalDevices(instance_);
  } catch (const vk::SystemError&) {
    // No driver: the same as no device.
  }
  std::erase_if(found, [](const auto& device) {
    return device.getProperties().apiVersion < VK_API_VERSION_1_2;
  });
  return found;
}

}  // namespace vidattn::vulkan
