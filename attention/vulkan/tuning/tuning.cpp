#include "attention/vulkan/tuning/tuning.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numbers>

#include "attention/vulkan/attend_shape.h"
#include "attention/vulkan/operands.h"

namespace vidattn::vulkan {
namespace {

// Size of the measured attention. A GPU needs many tiles before all of its cores are busy; on a
// processor a few show the same speed.
constexpr int64_t kKeys = 2048, kQueries = 32768, kCpuKeys = 512, kCpuQueries = 512;
constexpr int kRounds = 3;  // the quickest run of a kernel counts
// A card that was idle takes a while to raise its clocks.
constexpr double kWarmUpSeconds = 0.1;

// Outputs that a thread keeps, in vec4: more reuse what was loaded more often, until registers run
// out. Narrow subgroups are a processor's vectors, whose spills stay in the cache.
constexpr uint32_t kNarrow = 8, kNarrowOutputs = 32, kWideOutputs = 16;

/// attend_matrix.comp: a subgroup for each `edge` queries.
AttendKernel matrix_kernel(const std::string& module, uint32_t queries, uint32_t keys,
                           const GpuFacts& facts, uint32_t quads) {
  const uint32_t threads = queries / facts.matrix_edge * facts.subgroup;
  const uint32_t columns = keys / 4, rows = std::max(1U, threads / columns);
  return {module, {rows, columns, queries / rows, 1}, quads, facts.matrix_edge, facts.subgroup};
}

/// What attend_matrix.comp asks for: its tiles, a matrix of each subgroup, keys and queries in
/// shared memory; a thread for each key; tiles that hold the queries, and that all threads share.
bool matrix_fits(const AttendKernel& kernel, const GpuFacts& facts) {
  const int64_t queries = kernel.shape.queries(), keys = kernel.shape.keys();
  const int64_t threads = kernel.shape.threads(), eights = kernel.quads / 2;
  const int64_t shared =
      2 * keys * (eights + 1) * 16 + queries * kernel.edge * 4 + 24 * keys + 8 * queries;
  return shared <= facts.shared_bytes && threads <= facts.max_threads && threads >= keys &&
         threads * kernel.edge == queries * kernel.lanes && queries <= 2 * keys &&
         keys * eights % threads == 0;
}

std::string name_of(DType dtype) {
  return dtype == DType::f32 ? "f32" : dtype == DType::f16 ? "f16" : "bf16";
}

/// Relative L2 difference that is no mistake: sums in another order; weights that are rounded to
/// the storage type.
double allowed_difference(const AttendKernel& kernel, DType dtype) {
  return !kernel.matrix() ? 1e-5 : dtype == DType::f16 ? 2e-3 : 5e-3;
}

Plan full_plan(int64_t queries, int64_t keys) {
  HeadTable table;
  table.add(0, static_cast<int32_t>(queries), {{0, static_cast<int32_t>(keys)}});
  Plan plan;
  plan.branches.push_back({.name = "tuning", .tables = {std::move(table)}});
  return plan;
}

/// Operands that do not depend on the platform's random numbers.
Tensor operand(DType dtype, int64_t rows, int64_t dim, uint32_t seed) {
  Tensor tensor(rows, 1, dim);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    seed = seed * 1664525 + 1013904223;
    tensor.data<float>()[i] = static_cast<float>(seed >> 8) * 0x1p-22F - 2;
  }
  return tensor.to(dtype);
}

/// A small full attention on the device.
class Trial {
 public:
  Trial(Gpu& gpu, DType dtype, int64_t dim)
      : gpu_(gpu),
        dim_(dim),
        queries_(gpu.facts().kind == "cpu" ? kCpuQueries : kQueries),
        keys_(gpu.facts().kind == "cpu" ? kCpuKeys : kKeys),
        q_(load(dtype, queries_, 1)),
        k_(load(dtype, keys_, 2)),
        v_(load(dtype, keys_, 3)),
        acc_(gpu.allocate(queries_ * dim * 4, "tuning")),
        state_(gpu.allocate(queries_ * 8, "tuning")) {}

  /// Runs a kernel once; what it cost is a submission's products and seconds.
  std::pair<int64_t, double> run(const AttendKernel& kernel) {
    const Plan plan = full_plan(queries_, keys_);
    const BranchIndex index =
        build_index(gpu_, plan.branches[0], {0, 1, 0, queries_, {}}, kernel.shape);
    const Buffer words = upload(gpu_, index, "tuning");
    gpu_.submit();
    const BranchIndex::Group& items = index.rounds[0][0];
    AttendShape shape{};
    shape.item = items.first_item;
    shape.rows = index.rows;
    shape.positions = index.positions;
    shape.ranges = index.ranges;
    shape.heads_per_table = shape.head_ratio = 1;
    shape.query_rows = static_cast<uint32_t>(queries_);
    shape.key_rows = static_cast<uint32_t>(keys_);
    shape.scale = static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(dim_)));
    gpu_.dispatch(kernel.program(), {&words, &q_, &k_, &v_, &acc_, &state_}, shape,
                  static_cast<int64_t>(items.cost.size()));
    return {index.cost, gpu_.submit()};
  }

  /// [queries, dim] of the last run.
  std::vector<float> output() {
    std::vector<float> o = read(acc_, queries_ * dim_);
    const std::vector<float> state = read(state_, queries_ * 2);
    for (int64_t i = 0; i < queries_ * dim_; ++i) o[i] /= state[i / dim_ * 2 + 1];
    return o;
  }

  void warm_up(const AttendKernel& kernel) {
    if (gpu_.facts().kind == "cpu") return;
    for (double seconds = 0; seconds < kWarmUpSeconds;) seconds += run(kernel).second;
  }

 private:
  std::vector<float> read(const Buffer& buffer, int64_t count) {
    std::vector<float> values(count);
    gpu_.read(buffer, count * 4, 4, [&](const std::byte* from, int64_t first, int64_t bytes) {
      std::memcpy(reinterpret_cast<std::byte*>(values.data()) + first, from, bytes);
    });
    return values;
  }

  Buffer load(DType dtype, int64_t rows, uint32_t seed) {
    return upload(gpu_, operand(dtype, rows, dim_, seed), {0, 1, 0, rows}, dim_, dtype, "tuning");
  }

  Gpu& gpu_;
  int64_t dim_, queries_, keys_;
  Buffer q_, k_, v_, acc_, state_;
};

/// Relative L2 difference; NaN counts as infinite.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(double{a[i]} - double{b[i]}, 2);
    norm += std::pow(double{b[i]}, 2);
  }
  const double relative = std::sqrt(error / norm);
  return std::isnan(relative) ? INFINITY : relative;
}

/// For tests: where there are matrices they are used, quicker or not.
void keep_matrix_kernels(std::vector<TunedKernel>& tuned) {
  const auto is_matrix = [](const TunedKernel& t) { return t.kernel.matrix(); };
  if (std::any_of(tuned.begin(), tuned.end(), is_matrix))
    std::erase_if(tuned, std::not_fn(is_matrix));
}

}  // namespace

TileShape tile_shape(uint32_t queries, uint32_t subgroup, uint32_t quads, uint32_t sums) {
  const uint32_t columns = 8, outputs = (subgroup > kNarrow ? kWideOutputs : kNarrowOutputs) / sums;
  uint32_t each = std::clamp(std::bit_floor(outputs * columns / quads), 1U, 8U);
  while (each > 1 && queries / each * columns < subgroup) each /= 2;
  return {queries / each, columns, each, 2};
}

std::vector<AttendKernel> candidates(const GpuFacts& facts, DType dtype, int64_t padded_dim) {
  std::vector<AttendKernel> fitting;
  const auto quads = static_cast<uint32_t>(padded_dim / 4);
  // Scores, and what attend.comp and plan.glsl keep per query and key.
  const auto shared = [](const TileShape& s) {
    return 4 * s.queries() * s.keys() + 12 * s.queries() + 16 * s.keys();
  };
  // Short segments would waste most of a long tile.
  for (uint32_t queries : {64, 32, 16}) {
    const TileShape shape = tile_shape(queries, facts.subgroup, quads);
    if ((shared(shape) <= facts.shared_bytes && shape.threads() <= facts.max_threads) ||
        (queries == 16 && fitting.empty()))
      fitting.push_back({"attend_" + name_of(dtype), shape, quads});
  }
  // A processor has no matrix units to gain from, and Mesa's matrices crash some kernels.
  if (facts.kind == "cpu" && !std::getenv("VIDATTN_VULKAN_MATRIX")) return fitting;
  for (const std::string& module : facts.matrix_modules)
    for (uint32_t queries : {128, 64})
      for (uint32_t keys : {64, 32}) {
        if (!module.ends_with("_" + name_of(dtype))) continue;
        // On an H100, 64 queries by 64 keys do 157 TFLOP/s, by 32 keys 185.
        if (keys > queries / 2) continue;
        const AttendKernel kernel = matrix_kernel(module, queries, keys, facts, quads);
        if (!matrix_fits(kernel, facts)) continue;
        fitting.push_back(kernel);
        break;  // fewer keys only where more do not fit
      }
  return fitting;
}

const std::vector<TunedKernel>& Tuning::kernels(Gpu& gpu, DType dtype, int64_t padded_dim) {
  std::vector<TunedKernel>& tuned = known_[{dtype, padded_dim}];
  if (!tuned.empty()) return tuned;
  Trial trial(gpu, dtype, padded_dim);
  std::vector<float> yardstick;
  for (const AttendKernel& kernel : candidates(gpu.facts(), dtype, padded_dim)) {
    try {
      trial.run(kernel);
    } catch (const DeviceLost&) {
      throw;
    } catch (const DeviceError&) {
      if (tuned.empty()) throw;  // even the portable kernel fails
      continue;
    }
    const std::vector<float> o = trial.output();
    if (tuned.empty()) yardstick = o;
    if (difference(o, yardstick) > allowed_difference(kernel, dtype)) continue;
    tuned.push_back({kernel, INFINITY});
  }
  trial.warm_up(tuned.front().kernel);
  for (int round = 0; round < kRounds; ++round)
    for (TunedKernel& t : tuned) {
      const auto [products, seconds] = trial.run(t.kernel);
      t.seconds_per_product =
          std::min(t.seconds_per_product, seconds / static_cast<double>(products));
      pace_.note(t.kernel, products, seconds);
    }
  if (std::getenv("VIDATTN_VULKAN_MATRIX")) keep_matrix_kernels(tuned);
  return tuned;
}

}  // namespace vidattn::vulkan
