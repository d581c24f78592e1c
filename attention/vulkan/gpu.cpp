#include "attention/vulkan/gpu.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "attention/error.h"
#include "attention/vulkan/buffer_pool.h"
#include "attention/vulkan/instance.h"
#include "attention/vulkan/matrix.h"
#include "attention/vulkan/shader_code.h"

namespace vidattn::vulkan {
namespace {

constexpr uint32_t kBindings = 9;
constexpr uint32_t kPushBytes = 128;                    // what every device has at least
constexpr uint32_t kSets = 64;                          // dispatches recorded before a submission
constexpr int64_t kStagingBytes = 16 << 20;             // one piece of a transfer
constexpr uint64_t kFenceNanoseconds = 60'000'000'000;  // a submission is cut to far less

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::optional<int64_t> artificial_limit() {
  const char* text = std::getenv("VIDATTN_VULKAN_MEMORY_MIB");
  if (!text) return std::nullopt;
  char* end = nullptr;
  const double mebibytes = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(mebibytes > 0 && mebibytes < 1e9))
    throw InputError("VIDATTN_VULKAN_MEMORY_MIB: expected a positive number");
  return static_cast<int64_t>(mebibytes * (1 << 20));
}

/// A tenth is left to the driver and to what else uses the device.
int64_t usable(int64_t bytes) { return bytes / 10 * 9; }

/// Bytes of a transfer's pieces, of whole units.
int64_t piece_of(int64_t bytes, int64_t unit) {
  return std::min(bytes, std::max<int64_t>(1, kStagingBytes / unit) * unit);
}

}  // namespace

std::string mebibytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

struct Gpu::State {
  GpuFacts facts;
  vk::raii::PhysicalDevice physical = nullptr;
  vk::raii::Device device = nullptr;
  vk::raii::Queue queue = nullptr;
  vk::raii::CommandPool command_pool = nullptr;
  vk::raii::CommandBuffer commands = nullptr;
  vk::raii::Fence fence = nullptr;
  vk::raii::QueryPool times = nullptr;
  vk::raii::DescriptorSetLayout set_layout = nullptr;
  vk::raii::PipelineLayout layout = nullptr;
  vk::raii::DescriptorPool descriptors = nullptr;
  std::map<Program, vk::raii::Pipeline> pipelines;
  double timestamp_period = 0;  ///< seconds; 0 = the queue has no timestamps
  BufferPool pool;
  std::array<Buffer, 2> staging;
  std::vector<vk::DescriptorSet> sets;
  double sent = 0;     ///< when the last piece was, by the host's clock
  double seconds = 0;  ///< of pieces submitted since the last submit()

  /// Runs `work`, turning the driver's errors into ours.
  template <class F>
  auto guard(const std::string& what, F&& work) {
    try {
      return work();
    } catch (const vk::DeviceLostError&) {
      throw DeviceLost("vulkan: " + facts.name + " was lost during " + what +
                       " (a driver reset?); the next run opens it again");
    } catch (const vk::OutOfDeviceMemoryError&) {
      throw DeviceError("vulkan: " + facts.name + " is out of memory at " + what + ", " +
                        mebibytes(pool.in_use()) + " in use");
    } catch (const vk::SystemError& error) {
      throw DeviceError("vulkan: " + facts.name + ": " + what + ": " + error.what());
    }
  }

  /// Host memory of at least `bytes` that piece `i` of a transfer passes through.
  const Buffer::Handles& stage(int64_t i, int64_t bytes) {
    using Flag = vk::MemoryPropertyFlagBits;
    const auto host = Flag::eHostVisible | Flag::eHostCoherent;
    Buffer& own = staging[i % 2];
    if (own.bytes() < bytes)
      own = guard("allocating " + mebibytes(bytes) + " for transfers", [&] {
        return pool.make(bytes, {host | Flag::eHostCached, host});
      });
    return own.handles();
  }

  void begin() {
    commands.begin({vk::CommandBufferUsageFlagBits::eOneTimeSubmit});
    commands.resetQueryPool(*times, 0, 2);
    commands.writeTimestamp(vk::PipelineStageFlagBits::eTopOfPipe, *times, 0);
  }

  /// All that was recorded before is done, and its results are seen by all that follows.
  void barrier() {
    using Stage = vk::PipelineStageFlagBits;
    using Access = vk::AccessFlagBits;
    const auto stages = Stage::eComputeShader | Stage::eTransfer;
    const vk::MemoryBarrier all(Access::eShaderWrite | Access::eTransferWrite,
                                Access::eShaderRead | Access::eShaderWrite | Access::eTransferRead |
                                    Access::eTransferWrite | Access::eHostRead);
    commands.pipelineBarrier(stages, stages | Stage::eHost, {}, all, {}, {});
  }

  /// Starts what was recorded.
  void send() {
    guard("starting a kernel", [&] {
      barrier();
      commands.writeTimestamp(vk::PipelineStageFlagBits::eBottomOfPipe, *times, 1);
      commands.end();
      sent = now();
      queue.submit(vk::SubmitInfo({}, {}, *commands), *fence);
    });
  }

  /// Waits until it is done; then more may be recorded.
  void wait() {
    guard("running a kernel", [&] {
      if (device.waitForFences(*fence, VK_TRUE, kFenceNanoseconds) != vk::Result::eSuccess)
        throw DeviceLost("vulkan: " + facts.name + " did not finish a kernel within 60 s");
      device.resetFences(*fence);
      double passed = now() - sent;
      if (timestamp_period > 0) {
        const auto& [result, ticks] = times.getResults<uint64_t>(
            0, 2, 2 * sizeof(uint64_t), sizeof(uint64_t),
            vk::QueryResultFlagBits::e64 | vk::QueryResultFlagBits::eWait);
        passed = static_cast<double>(ticks[1] - ticks[0]) * timestamp_period;
      }
      seconds += passed;
      sets.clear();
      descriptors.reset();
      commands.reset();
      begin();
    });
    if (!Instance::get().validating()) return;
    const auto messages = Instance::get().take_messages();
    if (!messages.empty()) throw DeviceError("vulkan validation: " + messages.front());
  }

  void flush() {
    send();
    wait();
  }

  vk::Pipeline pipeline(const Program& program) {
    const auto found = pipelines.find(program);
    if (found != pipelines.end()) return *found->second;
    return guard("compiling a kernel", [&] {
      const auto code = shader_code(program.module);
      const vk::raii::ShaderModule module(device, {{}, code.size_bytes(), code.data()});
      std::vector<vk::SpecializationMapEntry> entries;
      for (uint32_t i = 0; i < program.constants.size(); ++i) entries.emplace_back(i, 4 * i, 4);
      const vk::SpecializationInfo constants(static_cast<uint32_t>(entries.size()), entries.data(),
                                             program.constants.size() * 4,
                                             program.constants.data());
      using Flag = vk::PipelineShaderStageCreateFlagBits;
      const vk::PipelineShaderStageCreateInfo stage(
          program.full_subgroups ? Flag::eRequireFullSubgroupsEXT : Flag(),
          vk::ShaderStageFlagBits::eCompute, *module, "main", &constants);
      vk::raii::Pipeline made(device, nullptr, vk::ComputePipelineCreateInfo({}, stage, *layout));
      return *pipelines.emplace(program, std::move(made)).first->second;
    });
  }

  vk::DescriptorSet bind(const std::vector<const Buffer*>& buffers) {
    if (sets.size() == kSets) flush();
    // Not the RAII form: the pool's reset frees the sets.
    const vk::DescriptorSetAllocateInfo info(*descriptors, *set_layout);
    auto set = (*device).allocateDescriptorSets(info, *device.getDispatcher())[0];
    sets.push_back(set);
    std::vector<vk::DescriptorBufferInfo> infos;
    for (const Buffer* b : buffers) infos.emplace_back(*b->handles().buffer, 0, VK_WHOLE_SIZE);
    std::vector<vk::WriteDescriptorSet> writes;
    for (uint32_t i = 0; i < infos.size(); ++i)
      writes.emplace_back(set, i, 0, 1, vk::DescriptorType::eStorageBuffer, nullptr, &infos[i]);
    device.updateDescriptorSets(writes, {});
    return set;
  }
};

namespace {

uint32_t compute_family(const vk::raii::PhysicalDevice& device) {
  const auto families = device.getQueueFamilyProperties();
  for (uint32_t f = 0; f < families.size(); ++f)
    if (families[f].queueFlags & vk::QueueFlagBits::eCompute) return f;
  throw InputError("vulkan: the device has no compute queue");
}

vk::raii::Device open_device(const vk::raii::PhysicalDevice& physical, const GpuFacts& facts,
                             uint32_t family) {
  const float priority = 1;
  const vk::DeviceQueueCreateInfo queue({}, family, 1, &priority);
  const MatrixSupport support = read_matrix_support(physical, facts.subgroup);
  MatrixFeatures matrix(support);
  std::vector<const char*> extensions = matrix.extensions();
  vk::PhysicalDeviceSubgroupSizeControlFeaturesEXT subgroups(VK_FALSE, VK_TRUE);
  vk::PhysicalDeviceVulkan12Features v12;
  vk::PhysicalDeviceVulkan11Features v11;
  vk::PhysicalDeviceFeatures2 features({}, &v11);
  v11.pNext = &v12;
  if (support.edge > 0) {
    extensions.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    v11.storageBuffer16BitAccess = VK_TRUE;
    v12.shaderFloat16 = VK_TRUE;
    v12.vulkanMemoryModel = VK_TRUE;
    v12.pNext = &subgroups;
    subgroups.pNext = matrix.chain();
  }
  return {physical, vk::DeviceCreateInfo({}, queue, {}, extensions, nullptr, &features)};
}

}  // namespace

std::vector<GpuFacts> Gpu::list() {
  artificial_limit();  // refuses nonsense before any work
  std::vector<GpuFacts> all;
  for (const auto& device : Instance::get().devices()) all.push_back(read_facts(device));
  if (all.empty())
    throw InputError(
        "vulkan: the loader finds no device with Vulkan 1.2 or later; Debian has a "
        "driver for machines without a GPU in mesa-vulkan-drivers");
  return all;
}

Gpu::Gpu(size_t index) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.physical = std::move(Instance::get().devices().at(index));
  s.facts = read_facts(s.physical);
  s.guard("opening the device", [&] {
    const uint32_t family = compute_family(s.physical);
    s.device = open_device(s.physical, s.facts, family);
    s.pool = BufferPool(s.physical, s.device);
    s.queue = s.device.getQueue(family, 0);
    s.command_pool = vk::raii::CommandPool(
        s.device, {vk::CommandPoolCreateFlagBits::eResetCommandBuffer, family});
    s.commands = std::move(vk::raii::CommandBuffers(
        s.device, {*s.command_pool, vk::CommandBufferLevel::ePrimary, 1})[0]);
    s.fence = vk::raii::Fence(s.device, vk::FenceCreateInfo());
    s.times = vk::raii::QueryPool(s.device, {{}, vk::QueryType::eTimestamp, 2});
    std::vector<vk::DescriptorSetLayoutBinding> bindings;
    for (uint32_t b = 0; b < kBindings; ++b)
      bindings.emplace_back(b, vk::DescriptorType::eStorageBuffer, 1,
                            vk::ShaderStageFlagBits::eCompute);
    s.set_layout = vk::raii::DescriptorSetLayout(s.device, {{}, bindings});
    const vk::PushConstantRange push(vk::ShaderStageFlagBits::eCompute, 0, kPushBytes);
    s.layout = vk::raii::PipelineLayout(s.device, {{}, *s.set_layout, push});
    const vk::DescriptorPoolSize size(vk::DescriptorType::eStorageBuffer, kSets * kBindings);
    s.descriptors = vk::raii::DescriptorPool(s.device, {{}, kSets, size});
    if (s.physical.getQueueFamilyProperties()[family].timestampValidBits > 0)
      s.timestamp_period = s.physical.getProperties().limits.timestampPeriod * 1e-9;
    s.begin();
  });
}

Gpu::~Gpu() = default;

const GpuFacts& Gpu::facts() const { return state_->facts; }

int64_t Gpu::memory_left() const {
  const auto limit = artificial_limit();
  const int64_t left = usable(memory_budget(state_->physical) + state_->pool.spare());
  return limit ? std::min(left, *limit - state_->pool.in_use()) : left;
}

Buffer Gpu::allocate(int64_t bytes, const std::string& what) {
  using Flag = vk::MemoryPropertyFlagBits;
  State& s = *state_;
  const auto limit = artificial_limit();
  if (limit && s.pool.in_use() + bytes > *limit)
    throw DeviceError("vulkan: no room for " + what + " (" + mebibytes(bytes) +
                      "): VIDATTN_VULKAN_MEMORY_MIB allows " + mebibytes(*limit) + ", " +
                      mebibytes(s.pool.in_use()) + " are in use");
  const auto host = Flag::eHostVisible | Flag::eHostCoherent;
  // The variable lets devices that share the host's memory take the path of those that do not.
  const bool shared = s.facts.kind == "cpu" || s.facts.kind == "integrated";
  BufferPool::Kinds kinds{Flag::eDeviceLocal, {}};
  if (shared && !std::getenv("VIDATTN_VULKAN_STAGING"))
    kinds.insert(kinds.begin(),
                 {Flag::eDeviceLocal | host | Flag::eHostCached, Flag::eDeviceLocal | host});
  return s.guard("allocating " + mebibytes(bytes) + " for " + what, [&] {
    return s.pool.take(bytes, kinds, limit.value_or(usable(s.facts.budget_bytes)));
  });
}

void Gpu::write(Buffer& buffer, int64_t bytes, int64_t unit, const Fill& fill, int64_t at) {
  if (bytes == 0) return;
  if (std::byte* mapped = buffer.handles().mapped) return fill(mapped + at, 0, bytes);
  const int64_t piece = piece_of(bytes, unit);
  const double kernels = state_->seconds;  // submit() tells the time of kernels only
  for (int64_t first = 0, i = 0; first < bytes; first += piece, ++i) {
    const int64_t count = std::min(piece, bytes - first);
    const Buffer::Handles& staging = state_->stage(i, piece);
    fill(staging.mapped, first, count);
    if (i > 0) state_->wait();
    state_->barrier();
    state_->commands.copyBuffer(*staging.buffer, *buffer.handles().buffer,
                                vk::BufferCopy(0, at + first, count));
    state_->send();
  }
  state_->wait();
  state_->seconds = kernels;
}

void Gpu::read(const Buffer& buffer, int64_t bytes, int64_t unit, const Take& take) {
  if (bytes == 0) return;
  if (const std::byte* mapped = buffer.handles().mapped) return take(mapped, 0, bytes);
  const int64_t piece = piece_of(bytes, unit), pieces = (bytes + piece - 1) / piece;
  const auto size = [&](int64_t i) { return std::min(piece, bytes - i * piece); };
  const auto start = [&](int64_t i) {
    state_->barrier();
    state_->commands.copyBuffer(*buffer.handles().buffer, *state_->stage(i, piece).buffer,
                                vk::BufferCopy(i * piece, 0, size(i)));
    state_->send();
  };
  const double kernels = state_->seconds;
  start(0);
  for (int64_t i = 0; i < pieces; ++i) {
    state_->wait();
    if (i + 1 < pieces) start(i + 1);
    take(state_->stage(i, piece).mapped, i * piece, size(i));
  }
  state_->seconds = kernels;
}

void Gpu::clear(Buffer& buffer) {
  state_->barrier();
  state_->commands.fillBuffer(*buffer.handles().buffer, 0, VK_WHOLE_SIZE, 0);
}

void Gpu::copy(const Buffer& from, int64_t from_at, Buffer& to, int64_t to_at, int64_t bytes) {
  state_->barrier();
  state_->commands.copyBuffer(*from.handles().buffer, *to.handles().buffer,
                              vk::BufferCopy(from_at, to_at, bytes));
}

void Gpu::dispatch_bytes(const Program& program, const std::vector<const Buffer*>& buffers,
                         const void* push, size_t push_bytes, int64_t x, int64_t y) {
  if (x <= 0 || y <= 0) return;
  State& s = *state_;
  const vk::Pipeline pipeline = s.pipeline(program);
  const vk::DescriptorSet set = s.bind(buffers);
  s.barrier();
  s.commands.bindPipeline(vk::PipelineBindPoint::eCompute, pipeline);
  s.commands.bindDescriptorSets(vk::PipelineBindPoint::eCompute, *s.layout, 0, set, {});
  s.commands.pushConstants<std::byte>(
      *s.layout, vk::ShaderStageFlagBits::eCompute, 0,
      vk::ArrayProxy<const std::byte>(static_cast<uint32_t>(push_bytes),
                                      static_cast<const std::byte*>(push)));
  s.commands.dispatch(static_cast<uint32_t>(x), static_cast<uint32_t>(y), 1);
}

double Gpu::submit() {
  state_->flush();
  return std::exchange(state_->seconds, 0);
}

}  // namespace vidattn::vulkan
