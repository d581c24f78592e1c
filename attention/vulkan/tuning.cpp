#include "attention/vulkan/tuning.h"

#include <cstring>
#include <numeric>

#include "attention/vulkan/attend_shape.h"
#include "attention/vulkan/operands.h"

namespace vidattn::vulkan {
namespace {

constexpr int64_t kTokens = 512;  // of the measured attention
constexpr int kRuns = 3;          // the quickest counts

// 64, 32 and 16 queries: short segments would waste most of a long tile. The second group suits
// wide subgroups.
constexpr TileShape kShapes[] = {
    {8, 8, 8, 2}, {4, 8, 8, 2}, {2, 8, 8, 2}, {16, 16, 4, 1}, {4, 16, 4, 1}};

Kernel kernel_of(DType dtype) {
  return dtype == DType::f32   ? Kernel::attend_f32
         : dtype == DType::f16 ? Kernel::attend_f16
                               : Kernel::attend_bf16;
}

Plan full_plan() {
  HeadTable table;
  table.add(0, kTokens, {{0, kTokens}});
  Plan plan;
  plan.branches.push_back({.name = "tuning", .tables = {std::move(table)}});
  return plan;
}

double measure(Gpu& gpu, const AttendKernel& kernel, const Buffer& operand, const Buffer& acc,
               const Buffer& state, int64_t& products) {
  const Plan plan = full_plan();
  const BranchIndex index = build_index(plan.branches[0], {0, 1, 0, kTokens, {}}, kernel.shape);
  const auto bytes = static_cast<int64_t>(index.words.size() * 4);
  Buffer words = gpu.allocate(bytes, "tuning");
  gpu.write(words, bytes, 4, [&](std::byte* to, int64_t first, int64_t size) {
    std::memcpy(to, reinterpret_cast<const std::byte*>(index.words.data()) + first, size);
  });
  gpu.submit();
  AttendShape shape{};
  shape.item = index.rounds[0][0].first_item;
  shape.rows = index.rows;
  shape.positions = index.positions;
  shape.ranges = index.ranges;
  shape.heads_per_table = shape.head_ratio = 1;
  shape.query_rows = shape.key_rows = kTokens;
  shape.scale = 0.1F;
  products = index.cost;
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    gpu.dispatch(kernel.program(), {&words, &operand, &operand, &operand, &acc, &state}, shape,
                 static_cast<int64_t>(index.rounds[0][0].cost.size()));
    const double seconds = gpu.submit();
    best = run == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

}  // namespace

std::vector<AttendKernel> candidates(const GpuFacts& facts, DType dtype, int64_t padded_dim) {
  std::vector<AttendKernel> fitting;
  const auto quads = static_cast<uint32_t>(padded_dim / 4);
  // Scores, and per query and key what plan.glsl keeps beside them.
  const auto shared = [](const TileShape& s) {
    return 4 * s.queries() * s.keys() + 12 * s.queries() + 12 * s.keys();
  };
  for (const TileShape& shape : kShapes)
    if (quads % shape.cols == 0 && shared(shape) <= facts.shared_bytes &&
        shape.threads() >= facts.subgroup && shape.threads() <= facts.max_threads &&
        (facts.subgroup > 8 || shape.cols == 8))
      fitting.push_back({kernel_of(dtype), shape, quads});
  if (fitting.empty()) fitting.push_back({kernel_of(dtype), {8, 8, 4, 1}, quads});
  return fitting;
}

const std::vector<TunedKernel>& Tuning::kernels(Gpu& gpu, DType dtype, int64_t padded_dim) {
  std::vector<TunedKernel>& tuned = known_[{dtype, padded_dim}];
  if (!tuned.empty()) return tuned;
  const Tensor zeros(kTokens, 1, padded_dim, dtype);
  const Buffer operand = upload(gpu, zeros, {0, 1, 0, kTokens}, dtype, "tuning");
  const Buffer acc = gpu.allocate(kTokens * padded_dim * 4, "tuning");
  const Buffer state = gpu.allocate(kTokens * 8, "tuning");
  for (const AttendKernel& kernel : candidates(gpu.facts(), dtype, padded_dim)) {
    int64_t products = 0;
    const double seconds = measure(gpu, kernel, operand, acc, state, products);
    tuned.push_back({kernel, seconds / static_cast<double>(products)});
    pace_.note(kernel, products, seconds);
  }
  return tuned;
}

}  // namespace vidattn::vulkan
