#include "tests/bench/fma_peak.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/fma_peak.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

// After foreach_target.h, because it is compiled once per target.
#include "attention/cpu/exp2-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kSteps = 200000;

constexpr size_t kChains = HWY_TARGET == HWY_AVX3 ? 24 : 12;

/// Independent chains; every third multiply-add broadcasts an operand from the first-level cache.
template <size_t... I>
HWY_INLINE float Chains(const float* factors, std::index_sequence<I...>) {
  const hn::ScalableTag<float> d;
  const auto y = hn::Set(d, factors[0]);
  hn::Vec<decltype(d)> sum[] = {hn::Set(d, static_cast<float>(I))...};
  for (int64_t i = 0; i < kSteps; ++i)
    ((sum[I] = hn::MulAdd(sum[I], hn::Set(d, factors[i % 8 + I / 3 * 8]), y)), ...);
  return (hn::GetLane(hn::SumOfLanes(d, sum[I])) + ...);
}

/// Floating point operations done.
double Multiply(float* result) {
  float factors[kChains / 3 * 8];
  std::fill(std::begin(factors), std::end(factors), 0.5F + *result);
  *result = Chains(factors, std::make_index_sequence<kChains>());
  return 2.0 * kSteps * kChains * hn::MaxLanes(hn::ScalableTag<float>());
}

void ExpArray(float* x, float max, int64_t size) {
  const hn::ScalableTag<float> d;
  const auto log2e = hn::Set(d, 1.44269504F), high = hn::Set(d, max);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes)
    hn::StoreU(cpu::HWY_NAMESPACE::Exp2(d, hn::Mul(hn::Sub(hn::LoadU(d, x + i), high), log2e)), d,
               x + i);
  for (; i < size; ++i)
    x[i] = hn::GetLane(cpu::HWY_NAMESPACE::Exp2(d, hn::Set(d, (x[i] - max) * 1.44269504F)));
}

}  // namespace vidattn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn {

HWY_EXPORT(Multiply);
HWY_EXPORT(ExpArray);

double fma_peak_gflops(int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr int kSlices = 51;
  std::vector<double> gflops;
  float sum = 0;
  for (int slice = 0; slice < kSlices; ++slice) {
    double flops = 0;
    const auto start = Clock::now();
#pragma omp parallel num_threads(threads) reduction(+ : flops, sum)
    {
      float result = 1e-3F * static_cast<float>(slice);
      flops += HWY_DYNAMIC_DISPATCH(Multiply)(&result);
      sum += result;
    }
    const std::chrono::duration<double> seconds = Clock::now() - start;
    gflops.push_back(flops / seconds.count() * 1e-9);
  }
  std::sort(gflops.begin(), gflops.end());
  return sum == 0 ? 0 : gflops[kSlices * 9 / 10];
}

void exp_array(float* x, float max, int64_t size) { HWY_DYNAMIC_DISPATCH(ExpArray)(x, max, size); }

}  // namespace vidattn
#endif
