#include "attention/vulkan/matrix.h"

#include <algorithm>

#include "attention/vulkan/instance.h"
#include "attention/vulkan/shader_code.h"

namespace vidattn::vulkan {
namespace {

constexpr const char* kNv = "VK_NV_cooperative_matrix";
constexpr const char* kKhr = "VK_KHR_cooperative_matrix";
constexpr const char* kReduce = "VK_NV_cooperative_matrix2";
constexpr const char* kBf16 = "VK_KHR_shader_bfloat16";

constexpr auto kNvFeatures = static_cast<VkStructureType>(1000249000);
constexpr auto kKhrFeatures = static_cast<VkStructureType>(1000506000);
constexpr auto kKhrProperties = static_cast<VkStructureType>(1000506001);
constexpr auto kReduceFeatures = static_cast<VkStructureType>(1000593000);
constexpr auto kBf16Features = static_cast<VkStructureType>(1000141000);

/// Component types and the subgroup scope have the same values in both extensions.
constexpr uint32_t kF16 = 0, kF32 = 1, kBf16Type = 1000141000, kSubgroup = 3;

/// VkCooperativeMatrixPropertiesKHR.
struct KhrProperties {
  VkStructureType type = kKhrProperties;
  void* next = nullptr;
  uint32_t m, n, k, a, b, c, result;
  VkBool32 saturating;
  uint32_t scope;
};
using GetKhrProperties = VkResult (*)(VkPhysicalDevice, uint32_t*, KhrProperties*);

std::string type_name(uint32_t type) {
  static const std::vector<std::string> names{"f16", "f32", "f64", "s8",  "s16", "s32",
                                              "s64", "u8",  "u16", "u32", "u64"};
  if (type == kBf16Type) return "bf16";
  return type < names.size() ? names[type] : "type" + std::to_string(type);
}

std::vector<KhrProperties> khr_properties(const vk::raii::PhysicalDevice& device) {
  const auto get = reinterpret_cast<GetKhrProperties>(
      Instance::get().function("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  uint32_t count = 0;
  if (!get || get(*device, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<KhrProperties> all(count);
  if (get(*device, &count, all.data()) != VK_SUCCESS) return {};
  return all;
}

std::vector<KhrProperties> nv_properties(const vk::raii::PhysicalDevice& device) {
  std::vector<KhrProperties> all;
  for (const auto& p : device.getCooperativeMatrixPropertiesNV()) {
    const auto number = [](auto value) { return static_cast<uint32_t>(value); };
    KhrProperties same{};
    same.m = p.MSize;
    same.n = p.NSize;
    same.k = p.KSize;
    same.a = number(p.AType);
    same.b = number(p.BType);
    same.c = number(p.CType);
    same.result = number(p.DType);
    same.scope = number(p.scope);
    all.push_back(same);
  }
  return all;
}

/// Edge of the largest square matrices with factors of `type` and float32 sums; 0 = none.
uint32_t largest_edge(const std::vector<KhrProperties>& all, uint32_t type, uint32_t subgroup) {
  uint32_t edge = 0;
  for (const KhrProperties& p : all)
    if (p.m == p.n && p.n == p.k && (p.m == 8 || p.m == 16) && subgroup % p.m == 0 && p.a == type &&
        p.b == type && p.c == kF32 && p.result == kF32 && p.scope == kSubgroup)
      edge = std::max(edge, p.m);
  return edge;
}

/// attend_matrix.comp counts on whole subgroups, 16-bit types and Vulkan's memory model.
bool has_basics(const vk::raii::PhysicalDevice& device) {
  if (!has_extension(device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) return false;
  const auto features =
      device.getFeatures2<vk::PhysicalDeviceFeatures2, vk::PhysicalDeviceVulkan11Features,
                          vk::PhysicalDeviceVulkan12Features,
                          vk::PhysicalDeviceSubgroupSizeControlFeaturesEXT>();
  const auto& v12 = features.get<vk::PhysicalDeviceVulkan12Features>();
  return features.get<vk::PhysicalDeviceVulkan11Features>().storageBuffer16BitAccess &&
         v12.shaderFloat16 && v12.vulkanMemoryModel &&
         features.get<vk::PhysicalDeviceSubgroupSizeControlFeaturesEXT>().computeFullSubgroups;
}

/// Whether the device has the first `count` switches of a feature structure.
bool has_switches(const vk::raii::PhysicalDevice& device, VkStructureType type,
                  const std::vector<int>& wanted) {
  struct {
    VkStructureType type;
    void* next;
    VkBool32 on[8];
  } switches{type, nullptr, {}};
  VkPhysicalDeviceFeatures2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &switches, {}};
  device.getDispatcher()->vkGetPhysicalDeviceFeatures2(*device, &all);
  return std::all_of(wanted.begin(), wanted.end(), [&](int i) { return switches.on[i]; });
}

// Switches of VkPhysicalDeviceCooperativeMatrix2FeaturesNV: reductions, conversions, operations on
// each element; and of VkPhysicalDeviceShaderBfloat16FeaturesKHR: the type, in matrices.
const std::vector<int> kReduceSwitches{2, 3, 4}, kBf16Switches{0, 2};

}  // namespace

MatrixSupport read_matrix_support(const vk::raii::PhysicalDevice& device, uint32_t subgroup) {
  MatrixSupport support;
  support.nv = has_extension(device, kNv);
  support.khr = has_extension(device, kKhr);
  const auto properties = support.khr  ? khr_properties(device)
                          : support.nv ? nv_properties(device)
                                       : std::vector<KhrProperties>();
  for (const KhrProperties& p : properties)
    support.shapes.push_back(std::to_string(p.m) + "x" + std::to_string(p.n) + "x" +
                             std::to_string(p.k) + " " + type_name(p.a) + "*" + type_name(p.b) +
                             "+" + type_name(p.c));
  support.edge = has_basics(device) ? largest_edge(properties, kF16, subgroup) : 0;
  if (support.edge == 0) return support;
  support.reduce = support.khr && has_extension(device, kReduce) &&
                   has_switches(device, kReduceFeatures, kReduceSwitches);
  support.bf16 = support.reduce && has_extension(device, kBf16) &&
                 has_switches(device, kBf16Features, kBf16Switches) &&
                 largest_edge(properties, kBf16Type, subgroup) == support.edge;
  const auto offer = [&](bool runs, const std::string& module) {
    if (runs && has_shader(module)) support.modules.push_back(module);
  };
  offer(support.bf16, "attend_reduce_bf16");
  offer(support.reduce, "attend_reduce_f16");
  offer(support.khr, "attend_khr_f16");
  offer(support.nv, "attend_nv_f16");
  return support;
}

MatrixFeatures::MatrixFeatures(const MatrixSupport& support)
    : nv_{kNvFeatures, nullptr, {VK_TRUE}},
      khr_{kKhrFeatures, nullptr, {VK_TRUE}},
      reduce_{kReduceFeatures, nullptr, {}},
      bf16_{kBf16Features, nullptr, {}} {
  if (support.edge == 0) return;
  for (int i : kReduceSwitches) reduce_.on[i] = VK_TRUE;
  for (int i : kBf16Switches) bf16_.on[i] = VK_TRUE;
  if (support.nv) add(nv_, kNv);
  if (support.khr) add(khr_, kKhr);
  if (support.reduce) add(reduce_, kReduce);
  if (support.bf16) add(bf16_, kBf16);
}

void MatrixFeatures::add(Switches& switches, const char* extension) {
  switches.next = std::exchange(chain_, &switches);
  extensions_.push_back(extension);
}

}  // namespace vidattn::vulkan
