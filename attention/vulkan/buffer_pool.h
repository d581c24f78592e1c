#pragma once

#include <vector>
#include <vulkan/vulkan_raii.hpp>

#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

class BufferPool;

struct Buffer::Handles {
  vk::raii::DeviceMemory memory = nullptr;
  vk::raii::Buffer buffer = nullptr;
  int64_t bytes = 0;
  std::byte* mapped = nullptr;  ///< null = the host cannot reach it
  BufferPool* pool = nullptr;   ///< that takes it back
};

/// Makes a device's buffers, and keeps those that were freed for the next of their size: a driver
/// takes milliseconds for one of 100 MiB, more than some kernels run. Memory that the host reaches
/// is the process's own and is not kept.
///
/// Errors of the driver are thrown as they are.
class BufferPool {
 public:
  /// Kinds of memory, the best first.
  using Kinds = std::vector<vk::MemoryPropertyFlags>;

  BufferPool() = default;
  BufferPool(const vk::raii::PhysicalDevice& physical, const vk::raii::Device& device)
      : physical_(&physical), device_(&device) {}

  /// Memory of the first of `kinds` that the device has, counted as in use until it is freed. Spare
  /// buffers are dropped, the oldest first, while all together would be more than `room`.
  Buffer take(int64_t bytes, const Kinds& kinds, int64_t room);
  /// The same, neither counted nor kept.
  Buffer make(int64_t bytes, const Kinds& kinds) const;

  int64_t in_use() const { return in_use_; }
  int64_t spare() const { return spare_; }

 private:
  friend Buffer::Release;
  void take_back(std::unique_ptr<Buffer::Handles> handles);
  std::unique_ptr<Buffer::Handles> create(int64_t size, const Kinds& kinds) const;
  std::unique_ptr<Buffer::Handles> find_spare(int64_t size);
  void drop_oldest();
  uint32_t memory_type(uint32_t allowed, vk::MemoryPropertyFlags wanted) const;

  const vk::raii::PhysicalDevice* physical_ = nullptr;
  const vk::raii::Device* device_ = nullptr;
  int64_t in_use_ = 0, spare_ = 0;                      ///< bytes
  std::vector<std::unique_ptr<Buffer::Handles>> kept_;  ///< the oldest first
};

}  // namespace vidattn::vulkan
