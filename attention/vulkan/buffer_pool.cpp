#include "attention/vulkan/buffer_pool.h"

#include <algorithm>

namespace vidattn::vulkan {
namespace {

int64_t buffer_size(int64_t bytes) { return std::max<int64_t>(bytes, 16); }

}  // namespace

void Buffer::Release::operator()(Handles* handles) const {
  std::unique_ptr<Handles> owned(handles);
  if (BufferPool* pool = handles->pool) pool->take_back(std::move(owned));
}

int64_t Buffer::bytes() const { return handles_ ? handles_->bytes : 0; }

Buffer BufferPool::take(int64_t bytes, const Kinds& kinds, int64_t room) {
  const int64_t size = buffer_size(bytes);
  std::unique_ptr<Buffer::Handles> handles = find_spare(size);
  if (!handles) {
    while (!kept_.empty() && in_use_ + spare_ + size > room) drop_oldest();
    try {
      handles = create(size, kinds);
    } catch (const vk::OutOfDeviceMemoryError&) {  // others may use the device as well
      if (kept_.empty()) throw;
      while (!kept_.empty()) drop_oldest();
      handles = create(size, kinds);
    }
  }
  handles->pool = this;
  in_use_ += size;
  return Buffer(handles.release());
}

Buffer BufferPool::make(int64_t bytes, const Kinds& kinds) const {
  return Buffer(create(buffer_size(bytes), kinds).release());
}

void BufferPool::take_back(std::unique_ptr<Buffer::Handles> handles) {
  in_use_ -= handles->bytes;
  if (handles->mapped) return;
  spare_ += handles->bytes;
  kept_.push_back(std::move(handles));
}

std::unique_ptr<Buffer::Handles> BufferPool::find_spare(int64_t size) {
  const auto found = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const auto& handles) { return handles->bytes == size; });
  if (found == kept_.end()) return nullptr;
  std::unique_ptr<Buffer::Handles> handles = std::move(*found);
  kept_.erase(found);
  spare_ -= size;
  return handles;
}

void BufferPool::drop_oldest() {
  spare_ -= kept_.front()->bytes;
  kept_.erase(kept_.begin());
}

std::unique_ptr<Buffer::Handles> BufferPool::create(int64_t size, const Kinds& kinds) const {
  using Usage = vk::BufferUsageFlagBits;
  auto made = std::make_unique<Buffer::Handles>();
  made->bytes = size;
  made->buffer = vk::raii::Buffer(
      *device_, {{},
                 static_cast<vk::DeviceSize>(size),
                 Usage::eStorageBuffer | Usage::eTransferSrc | Usage::eTransferDst});
  const auto needs = made->buffer.getMemoryRequirements();
  uint32_t type = UINT32_MAX;
  vk::MemoryPropertyFlags flags;
  for (size_t i = 0; i < kinds.size() && type == UINT32_MAX; ++i)
    type = memory_type(needs.memoryTypeBits, flags = kinds[i]);
  made->memory = vk::raii::DeviceMemory(*device_, {needs.size, type});
  made->buffer.bindMemory(*made->memory, 0);
  if (flags & vk::MemoryPropertyFlagBits::eHostVisible)
    made->mapped = static_cast<std::byte*>(made->memory.mapMemory(0, VK_WHOLE_SIZE));
  return made;
}

uint32_t BufferPool::memory_type(uint32_t allowed, vk::MemoryPropertyFlags wanted) const {
  const auto memory = physical_->getMemoryProperties();
  for (uint32_t t = 0; t < memory.memoryTypeCount; ++t)
    if ((allowed >> t & 1) != 0 && (memory.memoryTypes[t].propertyFlags & wanted) == wanted)
      return t;
  return UINT32_MAX;
}

}  // namespace vidattn::vulkan
