#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attention/device.h"

namespace vidattn::vulkan {

inline constexpr int64_t kMaxGroups = 65535;  ///< workgroups of a dispatch that every device takes

/// What a Vulkan device can do, read without opening it.
struct GpuFacts {
  std::string name, kind;     ///< "NVIDIA H200"; cpu, integrated, discrete, virtual or other
  std::string driver, api;    ///< "llvmpipe Mesa 22.3.6", "1.3.230"
  uint32_t subgroup = 0;      ///< invocations
  int64_t shared_bytes = 0;   ///< shared memory of one workgroup
  uint32_t max_threads = 0;   ///< of one workgroup
  int64_t storage_range = 0;  ///< largest storage buffer, bytes
  bool storage16 = false, float16 = false;
  /// Shapes MxNxK of cooperative matrices with types; empty = none.
  std::vector<std::string> cooperative;
  /// Modules of attend_matrix.comp that run here, best first, and the edge of their matrices.
  std::vector<std::string> matrix_modules;
  uint32_t matrix_edge = 0;
  /// Iterations after which the driver ends all loops of an invocation, without an error; 0 = none.
  int64_t loop_limit = 0;
  int64_t memory_bytes = 0;  ///< largest device-local heap
  int64_t budget_bytes = 0;  ///< what this process may use of it now
};

/// A shader module (a .comp file, or one of the modules it names) with its specialization constants
/// (ids 0, 1, …): what a pipeline is made from.
struct Program {
  std::string module;
  std::vector<uint32_t> constants;
  bool full_subgroups = false;  ///< the shader counts on them
  auto operator<=>(const Program&) const = default;
};

/// A piece of device memory. Must not outlive its Gpu.
class Buffer {
 public:
  struct Handles;
  struct Release {
    void operator()(Handles* handles) const;
  };
  Buffer() = default;
  explicit Buffer(Handles* owned) : handles_(owned) {}
  int64_t bytes() const;
  const Handles& handles() const { return *handles_; }

 private:
  std::unique_ptr<Handles, Release> handles_;
};

/// "1.5 MiB", for messages.
std::string mebibytes(int64_t bytes);

/// An opened device with one compute queue. Work is recorded in order, each piece after the one
/// before it, and runs at submit(). Not for several threads at once.
///
/// Errors: out of device memory, or a lost device, are a DeviceError with one line; after a lost
/// device the object is useless, and a new one may be opened. With the environment variable
/// VIDATTN_VULKAN_VALIDATION=1 the validation layers watch, synchronisation included, and any
/// message makes the next submit() a DeviceError.
class Gpu {
 public:
  /// All devices of the loader, in its order. Throws InputError where there is no loader or device.
  static std::vector<GpuFacts> list();

  explicit Gpu(size_t index);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  const GpuFacts& facts() const;
  /// Bytes that may be allocated now; VIDATTN_VULKAN_MEMORY_MIB lowers it, for tests.
  int64_t memory_left() const;

  /// Uninitialized, and maybe used before; `what` names it in errors.
  Buffer allocate(int64_t bytes, const std::string& what);

  /// Fills [at, at + bytes) of the buffer from the host, in pieces of whole units (rows) that fit
  /// the staging memory: `fill` gets the piece's place in memory, its first byte and its size. One
  /// piece is filled while the one before it is on its way, so `fill` must not throw.
  using Fill = std::function<void(std::byte* to, int64_t first, int64_t bytes)>;
  void write(Buffer& buffer, int64_t bytes, int64_t unit, const Fill& fill, int64_t at = 0);
  /// Hands [0, bytes) of the buffer to the host, likewise; `take` must not throw either.
  using Take = std::function<void(const std::byte* from, int64_t first, int64_t bytes)>;
  void read(const Buffer& buffer, int64_t bytes, int64_t unit, const Take& take);

  /// Records zeros into the whole buffer.
  void clear(Buffer& buffer);
  /// Records a copy of [from_at, from_at + bytes) to [to_at, …).
  void copy(const Buffer& from, int64_t from_at, Buffer& to, int64_t to_at, int64_t bytes);
  /// Records a dispatch; buffers are bindings 0, 1, … and `push` the push constants (≤ 128 bytes).
  template <class T>
  void dispatch(const Program& program, const std::vector<const Buffer*>& buffers, const T& push,
                int64_t x, int64_t y = 1) {
    static_assert(sizeof(T) <= 128);
    dispatch_bytes(program, buffers, &push, sizeof(T), x, y);
  }
  /// Runs what was recorded and waits. Seconds between the device's timestamps before and after;
  /// the host's clock where the queue has none.
  double submit();

 private:
  void dispatch_bytes(const Program& program, const std::vector<const Buffer*>& buffers,
                      const void* push, size_t push_bytes, int64_t x, int64_t y);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vidattn::vulkan
