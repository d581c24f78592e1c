#include "metrics/machine/limits.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "attention/cpu/bursts.h"
#include "attention/cpu/units/simd.h"
#include "metrics/machine/bursts.h"
#include "metrics/machine/peak.h"

namespace vidattn {
namespace {

bool has_bf16(Bf16Unit unit) {
  const auto units = cpu_bf16_units();
  return std::find(units.begin(), units.end(), unit) != units.end();
}

double l2_gbs(int threads) {
  const auto bytes = std::max<int64_t>(256 << 10, sysconf(_SC_LEVEL2_CACHE_SIZE));
  const int64_t count = bytes / 2 / static_cast<int64_t>(sizeof(float));
  std::vector<std::vector<float>> arrays(threads);
#pragma omp parallel num_threads(threads)
  arrays[omp_get_thread_num()].resize(count, 1.F);
  constexpr int64_t kPasses = 40;
  return best_rate(threads,
                   [&](int64_t /*rounds*/, float* sink) {
                     double read = 0;
                     for (int64_t i = 0; i < kPasses; ++i)
                       read += cpu::reads(arrays[omp_get_thread_num()].data(), count, sink);
                     return read;
                   }) /
         1e9;
}

/// Which units multiply, and how long they take.
struct Products {
  double vector = 0, tile = 0;  ///< seconds
  std::string name;             ///< of the vector unit's part
};

Products products_of(const KernelWork& w, const UnitRates& rates) {
  const double all = w.score_flops + w.value_flops;
  const Bf16Unit bf16 = cpu_bf16_unit();
  if (w.dtype == DType::bf16 && bf16 == Bf16Unit::matrix) return {0, all / rates.bf16_tile, {}};
  if (w.dtype == DType::bf16 && bf16 == Bf16Unit::dot)
    return {all / rates.bf16_dot, 0, "AVX512_BF16"};
  if (w.dtype != DType::int8 || cpu_int8_unit() == Int8Unit::none)
    return {all / rates.fma, 0, "FMA"};
  if (cpu_int8_unit() == Int8Unit::matrix)
    return {0, w.score_flops / rates.int8 + w.value_flops / rates.bf16_tile, {}};
  const double values = bf16 == Bf16Unit::dot ? rates.bf16_dot : rates.fma;
  return {w.score_flops / rates.int8 + w.value_flops / values, 0, "AVX512_VNNI"};
}

}  // namespace

UnitRates measure_units(int threads) {
  UnitRates rates;
  rates.fma = fma_peak_gflops(threads);
  rates.fed_fma = fed_fma_peak_gflops(threads);
  rates.bf16_dot = bf16_peak_gflops(threads);
  if (has_bf16(Bf16Unit::matrix))
    rates.bf16_tile = best_rate(threads, cpu::bf16_tile_products) / 1e9;
  rates.int8 = int8_peak_gflops(threads);
  rates.exp2 = best_rate(threads, cpu::exponentials) / 1e9;
  rates.l2 = l2_gbs(threads);
  rates.memory = triad_bandwidth_gbs(threads);
  return rates;
}

KernelLimit kernel_limit(const KernelWork& work, const UnitRates& rates) {
  const Products products = products_of(work, rates);
  const double exponentials = work.exponentials / rates.exp2;
  const std::pair<double, std::string> limits[] = {
      {products.vector + exponentials,
       products.vector > 0 ? products.name + " + exp2" : std::string("exp2")},
      {products.tile, "AMX"},
      {work.l2_bytes / rates.l2, "L2"},
      {std::isnan(rates.memory) ? 0 : work.memory_bytes / rates.memory, "memory"}};
  const auto& [time, bound] = *std::max_element(std::begin(limits), std::end(limits));
  return {time * 1e-9, bound};
}

}  // namespace vidattn
