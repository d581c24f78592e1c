#include "tests/bench/fma_peak.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <utility>

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

/// Independent chains that stay in registers; the sum keeps the compiler from dropping them.
template <size_t... I>
HWY_INLINE float Chains(float start, std::index_sequence<I...>) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, start), y = hn::Set(d, 1 - start);
  hn::Vec<decltype(d)> sum[] = {hn::Set(d, start + I)...};
  for (int64_t i = 0; i < kSteps; ++i) ((sum[I] = hn::MulAdd(sum[I], x, y)), ...);
  return (hn::GetLane(hn::SumOfLanes(d, sum[I])) + ...);
}

constexpr size_t kChains = HWY_TARGET == HWY_AVX3 ? 24 : 12;
/// Floating point operations done.
double Multiply(float start, float* result) {
  *result = Chains(start, std::make_index_sequence<kChains>());
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
  double best = 0;
  float sink = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    double flops = 0;
    const auto start = Clock::now();
#pragma omp parallel num_threads(threads) reduction(+ : flops, sink)
    {
      float result = 0;
      flops += HWY_DYNAMIC_DISPATCH(Multiply)(0.5F + 1e-3F * static_cast<float>(repeat), &result);
      sink += result;
    }
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::max(best, flops / seconds.count() * 1e-9);
  }
  return sink == 0 ? 0 : best;
}

void exp_array(float* x, float max, int64_t size) { HWY_DYNAMIC_DISPATCH(ExpArray)(x, max, size); }

}  // namespace vidattn
#endif
