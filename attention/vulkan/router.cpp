#include "attention/vulkan/router.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace vidattn::vulkan {
namespace {

constexpr int64_t kChunk = 256;  // router.glsl
constexpr int64_t kTileTokens = 64, kTileGroups = 16;
// A block's scores: multiply-adds that no watchdog minds, and bytes of hidden states and scores.
constexpr int64_t kBlockProducts = int64_t{1} << 31, kBlockBytes = int64_t{64} << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

class ResidentBuffer : public Resident {
 public:
  ResidentBuffer(std::shared_ptr<Gpu> gpu, std::recursive_mutex& lock, Buffer buffer, int64_t bytes)
      : gpu_(std::move(gpu)), lock_(lock), buffer_(std::move(buffer)), bytes_(bytes) {}
  ~ResidentBuffer() override {
    const std::lock_guard lock(lock_);
    buffer_ = {};
    gpu_.reset();
  }

  int64_t bytes() const override { return bytes_; }
  void fetch(void* to) const override {
    const std::lock_guard lock(lock_);
    gpu_->read(buffer_, bytes_, 4, [&](const std::byte* from, int64_t first, int64_t size) {
      std::memcpy(static_cast<std::byte*>(to) + first, from, size);
    });
  }
  const Gpu* gpu() const { return gpu_.get(); }
  const Buffer& buffer() const { return buffer_; }

 private:
  std::shared_ptr<Gpu> gpu_;
  std::recursive_mutex& lock_;
  Buffer buffer_;
  int64_t bytes_;
};

/// Push constants of router_scores.comp, of router.glsl and of group_offsets.comp.
struct ScoresShape {
  uint32_t tokens, channels, groups, bias;
};
struct RouterShape {
  uint32_t first, tokens, groups, chunks;
  float temperature;
};
struct OffsetsShape {
  uint32_t groups, chunks;
};

/// One routing: buffers, and the kernels in their order.
class Routed {
 public:
  Routed(Gpu& gpu, const LinearRouter& router)
      : gpu_(gpu),
        router_(router),
        chunks_(ceil_div(router.tokens, kChunk)),
        group_(gpu.allocate(router.tokens * 4, "groups")),
        gate_(gpu.allocate(router.tokens * 4, "gates")),
        order_(gpu.allocate(router.tokens * 4, "the group order")),
        counts_(gpu.allocate(router.groups * chunks_ * 4, "group counts")),
        sums_(gpu.allocate(router.groups * chunks_ * 8, "router sums")),
        starts_(gpu.allocate(router.groups * 4, "group offsets")) {}

  void choose_groups() {
    if (!router_.scores) {
      weight_ = load(router_.weight, router_.groups, router_.hidden.dim, router_.hidden.dim);
      if (router_.bias) bias_ = load(router_.bias, 1, router_.groups, router_.groups);
    }
    const int64_t block = block_tokens();
    for (int64_t first = 0; first < router_.tokens; first += block) {
      const int64_t tokens = std::min(block, router_.tokens - first);
      const Buffer scores = router_.scores ? load(router_.scores + first * router_.groups, tokens,
                                                  router_.groups, router_.groups)
                                           : compute_scores(first, tokens);
      gpu_.dispatch({"route", {}}, {&scores, &group_, &gate_, &counts_, &sums_},
                    shape(first, tokens), ceil_div(tokens, kChunk));
      routing_seconds += gpu_.submit();
    }
  }

  void sort() {
    gpu_.dispatch({"group_offsets", {}}, {&counts_, &starts_},
                  OffsetsShape{u32(router_.groups), u32(chunks_)}, 1);
    for (int64_t first = 0; first < router_.tokens; first += kMaxGroups * kChunk) {
      const int64_t tokens = std::min(kMaxGroups * kChunk, router_.tokens - first);
      gpu_.dispatch({"group_sort", {}}, {&group_, &counts_, &order_}, shape(first, tokens),
                    ceil_div(tokens, kChunk));
    }
    sort_seconds = gpu_.submit();
  }

  /// What the host needs of it: the offsets, to cut the work, and the sums, to report the loss.
  void take_sizes(Routing& routing) {
    std::vector<int32_t> starts(router_.groups);
    std::vector<float> sums(router_.groups * chunks_ * 2);
    read(starts_, starts.data(), router_.groups * 4);
    read(sums_, sums.data(), router_.groups * chunks_ * 8);
    const auto tokens = static_cast<double>(router_.tokens);
    for (int64_t m = 0; m < router_.groups; ++m) {
      const int64_t end = m + 1 < router_.groups ? starts[m + 1] : router_.tokens;
      routing.sizes.push_back(static_cast<int32_t>(end - starts[m]));
      double all = 0, assigned = 0;
      for (int64_t c = 0; c < chunks_; ++c) {
        all += sums[(c * router_.groups + m) * 2];
        assigned += sums[(c * router_.groups + m) * 2 + 1];
      }
      routing.p_mean.push_back(all / tokens);
      routing.p_assigned.push_back(assigned / tokens);
    }
  }

  /// Buffers that become the routing's lists, L words each.
  Buffer take_group() { return std::move(group_); }
  Buffer take_gate() { return std::move(gate_); }
  Buffer take_order() { return std::move(order_); }
  int64_t scratch_bytes() const {
    return counts_.bytes() + sums_.bytes() + weight_.bytes() + block_tokens() * row_bytes();
  }

  double transfer_seconds = 0, routing_seconds = 0, sort_seconds = 0;

 private:
  static uint32_t u32(int64_t value) { return static_cast<uint32_t>(value); }

  RouterShape shape(int64_t first, int64_t tokens) const {
    return {u32(first), u32(tokens), u32(router_.groups), u32(chunks_),
            static_cast<float>(router_.temperature)};
  }

  int64_t row_bytes() const { return (router_.groups + router_.hidden.dim) * 4; }

  /// A multiple of the chunk.
  int64_t block_tokens() const {
    const int64_t products = std::max<int64_t>(1, router_.hidden.dim) * router_.groups;
    const int64_t tokens = std::min({kBlockProducts / products, kBlockBytes / row_bytes(),
                                     kMaxGroups * kChunk, chunks_ * kChunk});
    return std::max<int64_t>(1, tokens / kChunk) * kChunk;
  }

  Buffer compute_scores(int64_t first, int64_t tokens) {
    const PointSet& x = router_.hidden;
    const Buffer hidden = load(x.data + first * x.stride, tokens, x.dim, x.stride);
    Buffer scores = gpu_.allocate(tokens * router_.groups * 4, "router scores");
    gpu_.dispatch({"router_scores", {}},
                  {&hidden, &weight_, router_.bias ? &bias_ : &weight_, &scores},
                  ScoresShape{u32(tokens), u32(x.dim), u32(router_.groups), router_.bias ? 1U : 0U},
                  ceil_div(tokens, kTileTokens), ceil_div(router_.groups, kTileGroups));
    routing_seconds += gpu_.submit();  // before `hidden` is freed
    return scores;
  }

  /// `rows` rows of `columns` floats, the next one `stride` behind.
  Buffer load(const float* values, int64_t rows, int64_t columns, int64_t stride) {
    const auto start = std::chrono::steady_clock::now();
    Buffer buffer = gpu_.allocate(rows * columns * 4, "router inputs");
    gpu_.write(buffer, rows * columns * 4, columns * 4,
               [&](std::byte* to, int64_t first, int64_t size) {
                 const int64_t row = first / 4 / columns;
#pragma omp parallel for schedule(static)
                 for (int64_t i = 0; i < size / 4 / columns; ++i)
                   std::memcpy(to + i * columns * 4, values + (row + i) * stride, columns * 4);
               });
    note_transfer(start);
    return buffer;
  }

  void read(const Buffer& buffer, void* to, int64_t bytes) {
    const auto start = std::chrono::steady_clock::now();
    gpu_.read(buffer, bytes, 4, [&](const std::byte* from, int64_t first, int64_t size) {
      std::memcpy(static_cast<std::byte*>(to) + first, from, size);
    });
    note_transfer(start);
  }

  void note_transfer(std::chrono::steady_clock::time_point start) {
    transfer_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  Gpu& gpu_;
  const LinearRouter& router_;
  int64_t chunks_;
  Buffer group_, gate_, order_, counts_, sums_, starts_, weight_, bias_;
};

}  // namespace

bool can_route(const GpuFacts& facts, const LinearRouter& router) {
  if (facts.loop_limit == 0) return true;
  constexpr int64_t kScoresStep = 32;  // iterations per 16 channels, more than there are
  const int64_t entries = router.groups * ceil_div(router.tokens, kChunk);
  const int64_t route = 3 * router.groups + kChunk,
                offsets = 2 * ceil_div(entries, kChunk) + kChunk;
  const int64_t scores = ceil_div(router.hidden.dim, 16) * kScoresStep;
  return std::max({route, offsets, scores}) < facts.loop_limit;
}

Routing route(const std::shared_ptr<Gpu>& gpu, std::recursive_mutex& lock,
              const LinearRouter& router) {
  Routing routing;
  Routed work(*gpu, router);
  work.choose_groups();
  work.sort();
  work.take_sizes(routing);
  const int64_t bytes = router.tokens * 4;
  routing.stages = {
      {"transfer", work.transfer_seconds},
      {"routing", work.routing_seconds, router.flops(), 2 * bytes + work.scratch_bytes()},
      {"group sort", work.sort_seconds, 0, bytes}};
  const auto keep = [&](Buffer buffer) {
    return std::make_shared<const ResidentBuffer>(gpu, lock, std::move(buffer), bytes);
  };
  routing.group = std::make_shared<const List<int32_t>>(keep(work.take_group()));
  routing.gate = std::make_shared<const List<float>>(keep(work.take_gate()));
  routing.order = std::make_shared<const List<int32_t>>(keep(work.take_order()));
  return routing;
}

const Buffer* resident_on(const Gpu& gpu, const Resident* values) {
  const auto* kept = dynamic_cast<const ResidentBuffer*>(values);
  return kept && kept->gpu() == &gpu ? &kept->buffer() : nullptr;
}

}  // namespace vidattn::vulkan
