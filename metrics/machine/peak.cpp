#include "metrics/machine/peak.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>

#include "attention/cpu/bursts.h"
#include "attention/cpu/units/simd.h"
#include "metrics/machine/bursts.h"

namespace vidattn {
namespace {

// Latency of a 64-bit multiplication on x86-64 since 2006 (Intel) and 2017 (AMD), and of Arm's
// cores.
constexpr double kMultiplyCycles = 3;

}  // namespace

double fma_peak_gflops(int threads) { return best_rate(threads, cpu::multiply_adds) / 1e9; }

double fed_fma_peak_gflops(int threads) { return best_rate(threads, cpu::fed_multiply_adds) / 1e9; }

double fed_fma_gflops([[maybe_unused]] int threads, double gflop) {
  constexpr int64_t kPieceRounds = 200;
  float sink = 0;
  const double piece = cpu::fed_products(kPieceRounds, &sink);
  const auto pieces = std::max<int64_t>(1, std::llround(1e9 * gflop / piece));
  const double start = omp_get_wtime();
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t i = 0; i < pieces; ++i) {
    volatile float result = 0;
    float sum = 0;
    cpu::fed_products(kPieceRounds, &sum);
    result = sum;  // an unused result would be optimized away
    (void)result;
  }
  return static_cast<double>(pieces) * piece / (omp_get_wtime() - start) / 1e9;
}

double core_clock_ghz() {
  constexpr int64_t kSteps = 1000;
  uint64_t x = 3;
  const double start = omp_get_wtime();
  for (int64_t i = 0; i < kSteps; ++i) {
    x *= 0x9e3779b97f4a7c15U;
    asm volatile("" : "+r"(x));  // neither skipped nor made parallel
  }
  return kMultiplyCycles * kSteps / (omp_get_wtime() - start) / 1e9;
}

double bf16_peak_gflops(int threads) {
  const auto units = cpu_bf16_units();
  if (std::find(units.begin(), units.end(), Bf16Unit::dot) == units.end()) return 0;
  return best_rate(threads, cpu::bf16_dot_products) / 1e9;
}

double int8_peak_gflops(int threads) {
  const Int8Unit unit = cpu_int8_unit();
  if (unit == Int8Unit::none) return 0;
  const bool matrix = unit == Int8Unit::matrix;
  return best_rate(threads, matrix ? cpu::int8_tile_products : cpu::int8_dot_products) / 1e9;
}

double peak_gflops(DType dtype, int threads) {
  if (dtype == DType::int8 && cpu_int8_unit() != Int8Unit::none) {
    const bool wide = cpu_int8_unit() == Int8Unit::matrix || cpu_bf16_unit() == Bf16Unit::dot;
    const double values = peak_gflops(wide ? DType::bf16 : DType::f32, threads);
    return 2 / (1 / int8_peak_gflops(threads) + 1 / values);
  }
  const Bf16Unit unit = dtype == DType::bf16 ? cpu_bf16_unit() : Bf16Unit::none;
  if (unit == Bf16Unit::matrix) return best_rate(threads, cpu::bf16_tile_products) / 1e9;
  return unit == Bf16Unit::dot ? bf16_peak_gflops(threads) : fma_peak_gflops(threads);
}

double settled_peak(double peak, double highest_rate, const std::function<double()>& measure) {
  constexpr int kMost = 10;
  for (int i = 0; i < kMost && highest_rate > peak; ++i) peak = std::max(peak, measure());
  return peak;
}

namespace {

double measured_triad_gbs(int threads) {
  constexpr int64_t kLeastBytes = int64_t{192} << 20;
  constexpr int kRounds = 5, kArrays = 3, kCaches = 4;
  const int64_t bytes = std::max<int64_t>(kLeastBytes, kCaches * sysconf(_SC_LEVEL3_CACHE_SIZE));
  const int64_t share = bytes / kArrays / threads / static_cast<int64_t>(sizeof(float));
  // Not initialized here: every thread touches its own share first, so that it gets near memory.
  const auto array = [&] { return std::unique_ptr<float[]>(new float[share * threads]); };
  const auto a = array(), b = array(), c = array();
  double best = 0;
  for (int round = -1; round < kRounds; ++round) {  // the first one touches the pages
    double start = HUGE_VAL, end = 0;
#pragma omp parallel num_threads(threads) reduction(min : start) reduction(max : end)
    {
      const int64_t first = omp_get_thread_num() * share, last = first + share;
      if (round < 0)
        for (float* part : {a.get(), b.get(), c.get()}) std::fill(part + first, part + last, 1.F);
#pragma omp barrier
      start = omp_get_wtime();
#pragma omp simd
      for (int64_t i = first; i < last; ++i) a[i] = b[i] + 3.F * c[i];
      end = omp_get_wtime();
    }
    const auto moved = static_cast<double>(kArrays * sizeof(float) * share * threads);
    if (round >= 0) best = std::max(best, moved / (end - start));
  }
  return best / 1e9;
}

}  // namespace

double triad_bandwidth_gbs(int threads) {
  try {
    return measured_triad_gbs(threads);
  } catch (const std::bad_alloc&) {
    return NAN;
  }
}

}  // namespace vidattn
