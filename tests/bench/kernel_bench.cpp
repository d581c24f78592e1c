// Speed of the CPU device as a share of the machine's multiply-add peak, measured next to it
// because the clock floats, with a tiled attention on OpenBLAS as peer. Threads: OMP_NUM_THREADS.
// With VIDATTN_BENCH_DEVICE=vulkan the backward pass is timed there, without that share.

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <string>
#include <type_traits>
#include <vector>

#include "attention/cpu/kernel.h"
#include "attention/cpu/units/simd.h"
#include "attention/device.h"
#include "metrics/machine/peak.h"
#include "tests/support/compare.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

enum Shape : int64_t { kFull, kGroups, kFrames };

/// Of the backward pass.
std::string bench_device() {
  const char* name = std::getenv("VIDATTN_BENCH_DEVICE");
  return name == nullptr ? "cpu" : name;
}
bool on_host() { return bench_device() == "cpu"; }

/// Full attention, 5 groups of shuffled tokens, or segments of 1,560 tokens (a latent frame at
/// 480p) that see themselves and the frame before.
Plan make_plan(Shape shape, int32_t length) {
  HeadTable table;
  if (shape == kFull) table.add(0, length, {{0, length}});
  if (shape == kGroups) {
    Generator random(2);
    std::vector<int32_t> order = shuffled(length, random);
    for (int32_t g = 0; g < 5; ++g)
      std::sort(order.begin() + length * g / 5, order.begin() + length * (g + 1) / 5);
    table.query_order = table.key_order = make_order(std::move(order));
    for (int32_t g = 0; g < 5; ++g) {
      const int32_t begin = length * g / 5, end = length * (g + 1) / 5;
      table.add(begin, end, {{begin, end}});
    }
  }
  if (shape == kFrames)
    for (int32_t begin = 0; begin < length; begin += 1560)
      table.add(begin, std::min(length, begin + 1560),
                {{std::max(0, begin - 1560), std::min(length, begin + 1560)}});
  return one_branch({.tables = {std::move(table)}});
}

template <class F>
double seconds_of(F&& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Times `run` per iteration, or what it returns when that is a function, and reports GFLOP/s and
/// their share of the peak measured just before and after. The best iteration counts, since other
/// programs only ever slow one down.
template <class F>
void measure(benchmark::State& state, double flops, F&& run) {
  run();
  double peak = on_host() ? fma_peak_gflops(omp_get_max_threads()) : 0;
  double best = 1e300;
  for (auto _ : state) {
    if constexpr (std::is_void_v<decltype(run())>) {
      best = std::min(best, seconds_of(run));
    } else {
      const auto rest = run();
      best = std::min(best, seconds_of(rest));
    }
  }
  state.counters["GFLOPs"] = flops / best * 1e-9;
  if (!on_host()) return state.SetLabel(find_device(bench_device()).title() + ", 12 heads");
  peak = std::max(peak, fma_peak_gflops(omp_get_max_threads()));
  state.counters["peak"] = peak;
  state.counters["share"] = flops / best * 1e-9 / peak;
  state.SetLabel(cpu_simd_target() + ", bf16 unit " + to_string(cpu_bf16_unit()));
}

void attention(benchmark::State& state) {
  const int64_t dim = state.range(0), length = state.range(1);
  const Inputs in = as(random_inputs(length, 1, dim), static_cast<DType>(state.range(2)));
  const Plan plan = make_plan(static_cast<Shape>(state.range(3)), static_cast<int32_t>(length));
  const Device& device = find_device("cpu");
  Output out;
  const double pairs = static_cast<double>(plan.branches[0].pairs(0, 1));
  measure(state, 4.0 * pairs * static_cast<double>(dim), [&] { device.run(plan, in, out); });
}

Gradients gradients_of(const std::string& device, const Plan& plan, const Inputs& in) {
  Output out;
  out.keep = true;
  Gradients gradients;
  find_device(device).run(plan, in, out);
  find_device(device).backward(plan, in, out, *in.v, gradients);
  return gradients;
}

/// Whether a smaller call of the same shape has the reference's gradients: at full length those
/// would take minutes.
bool right_gradients(Shape shape, int64_t dim, DType dtype) {
  constexpr int32_t kLength = 400;
  Inputs in = as(random_inputs(kLength, 1, dim), dtype);
  in.v = random_tensor(kLength, 1, dim, 9);
  const Plan plan = make_plan(shape, kLength);
  const Gradients got = gradients_of(bench_device(), plan, in),
                  want = gradients_of("reference", plan, in);
  return std::max({relative_l2(got.q, want.q), relative_l2(got.k, want.k),
                   relative_l2(got.v, want.v)}) < (dtype == DType::f32 ? 5e-6 : 4e-3);
}

/// FLOPs of the five products; "ratio" is the time over that of the forward pass, measured in turn.
void backward(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const int64_t dim = state.range(0), length = state.range(1), heads = on_host() ? 1 : 12;
  const auto dtype = static_cast<DType>(state.range(2));
  const auto shape = static_cast<Shape>(state.range(3));
  if (!right_gradients(shape, dim, dtype)) return state.SkipWithError("differs from the reference");
  const Inputs in = as(random_inputs(length, heads, dim), dtype);
  const auto d_o = random_tensor(length, heads, dim, 9);
  const Plan plan = make_plan(shape, static_cast<int32_t>(length));
  const Device& device = find_device(bench_device());
  Output out;
  out.keep = true;
  Gradients gradients;
  double forward = 1e300;
  const auto pairs = static_cast<double>(plan.branches[0].pairs(0, 1) * heads);
  measure(state, 10.0 * pairs * static_cast<double>(dim), [&] {
    const auto start = Clock::now();
    device.run(plan, in, out);
    forward = std::min(forward, std::chrono::duration<double>(Clock::now() - start).count());
    return [&] { device.backward(plan, in, out, *d_o, gradients); };
  });
  const double seconds = 10.0 * pairs * static_cast<double>(dim) * 1e-9 /
                         static_cast<double>(state.counters["GFLOPs"]);
  state.counters["ratio"] = seconds / forward;
}

/// Tile of queries by keys with two GEMM calls; one BLAS thread per OpenMP thread.
void openblas_rows(const Inputs& in, int64_t begin, int64_t queries, Tensor& o) {
  constexpr int64_t kKeys = 512;
  const int64_t dim = in.dim();
  std::vector<float> s(queries * kKeys), max(queries, -INFINITY), sum(queries);
  for (int64_t n = 0; n < in.length(); n += kKeys) {
    const int64_t keys = std::min(kKeys, in.length() - n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, queries, keys, dim,
                static_cast<float>(in.softmax_scale()), in.q->row(begin, 0), dim, in.k->row(n, 0),
                dim, 0, s.data(), kKeys);
    for (int64_t i = 0; i < queries; ++i) {
      float* row = &s[i * kKeys];
      float high = max[i], total = 0;
#pragma omp simd reduction(max : high)
      for (int64_t j = 0; j < keys; ++j) high = std::max(high, row[j]);
#pragma omp simd
      for (int64_t j = 0; j < keys; ++j) row[j] = (row[j] - high) * std::numbers::log2e_v<float>;
      cpu::exp2(row, row, keys);
#pragma omp simd reduction(+ : total)
      for (int64_t j = 0; j < keys; ++j) total += row[j];
      const float factor = std::exp(max[i] - high);
      max[i] = high;
      sum[i] = sum[i] * factor + total;
      for (int64_t c = 0; c < dim; ++c) o.row(begin + i, 0)[c] *= n == 0 ? 0 : factor;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, queries, dim, keys, 1, s.data(), kKeys,
                in.v->row(n, 0), dim, 1, o.row(begin, 0), dim);
  }
  for (int64_t i = 0; i < queries; ++i)
    for (int64_t c = 0; c < dim; ++c) o.row(begin + i, 0)[c] /= sum[i];
}

void openblas(benchmark::State& state) {
  constexpr int64_t kQueries = 256;
  const int64_t dim = state.range(0), length = state.range(1);
  const Inputs in = random_inputs(length, 1, dim);
  openblas_set_num_threads(1);
  Tensor o(length, 1, dim);
  const auto run = [&] {
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < length; i += kQueries)
      openblas_rows(in, i, std::min(kQueries, length - i), o);
  };
  run();
  Output want;
  find_device("cpu").run(make_plan(kFull, static_cast<int32_t>(length)), in, want);
  for (int64_t i = 0; i < length; ++i)
    for (int64_t c = 0; c < dim; ++c)
      if (std::abs(o.row(i, 0)[c] - want.o.row(i, 0)[c]) > 1e-4F)
        return state.SkipWithError("differs from the cpu device");
  measure(state, 4.0 * static_cast<double>(length * length * dim), run);
}

void arguments(benchmark::internal::Benchmark* b) {
  b->ArgNames({"D", "N", "dtype", "plan"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MinTime(2);
  for (int64_t dim : {64, 128, 256}) b->Args({dim, 8192, 0, kFull});
  for (int64_t dtype : {0, 1, 2})
    for (int64_t length : {4096, 16384}) b->Args({128, length, dtype, kFull});
  for (int64_t dtype : {0, 1})
    for (int64_t shape : {kGroups, kFrames}) b->Args({128, 15600, dtype, shape});
}
BENCHMARK(attention)->Apply(arguments);
BENCHMARK(backward)->Apply([](benchmark::internal::Benchmark* b) {
  b->ArgNames({"D", "N", "dtype", "plan"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->MinTime(2);
  if (!on_host()) {
    for (int64_t dtype : {0, 2})
      for (int64_t shape : {kFull, kGroups}) b->Args({128, 31200, dtype, shape});
    return;
  }
  for (int64_t dim : {64, 128}) b->Args({dim, 8192, 0, kFull});
  b->Args({128, 8192, 1, kFull});
  for (int64_t shape : {kGroups, kFrames}) b->Args({128, 15600, 0, shape});
});
BENCHMARK(openblas)
    ->ArgNames({"D", "N"})
    ->Args({128, 4096})
    ->Args({128, 8192})
    ->Unit(benchmark::kMillisecond)
    ->MinTime(2)
    ->UseRealTime();

}  // namespace
}  // namespace vidattn

BENCHMARK_MAIN();
