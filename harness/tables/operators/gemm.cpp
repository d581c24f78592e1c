#include "harness/tables/operators/gemm.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "attention/blas.h"
#include "attention/cancel.h"
#include "harness/host/random.h"
#include "harness/measure/engine/engine.h"

namespace vidattn {
namespace {

std::vector<float> random_values(int64_t count, uint64_t seed) {
  std::vector<float> values(count);
  constexpr int64_t kChunk = 4096;
#pragma omp parallel for schedule(static)
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    Random random(seed, static_cast<uint64_t>(begin));
    for (int64_t i = begin; i < std::min(count, begin + kChunk); ++i)
      values[i] = static_cast<float>(random.uniform(-1, 1));
  }
  return values;
}

/// Some entries of the product against sums in double.
void check(const GemmRate& g, const std::vector<float>& a, const std::vector<float>& b,
           const std::vector<float>& c) {
  for (int64_t i = 0; i < 16; ++i) {
    const int64_t row = i * (g.rows - 1) / 15, column = i * (g.out - 1) / 15;
    double sum = 0, size = 0;
    for (int64_t k = 0; k < g.in; ++k) {
      const double term = double{a[row * g.in + k]} * b[column * g.in + k];
      sum += term;
      size += std::abs(term);
    }
    // Rounding of float32 sums in any order stays far below this.
    constexpr double kLimit = 1e-5;
    if (!(std::abs(c[row * g.out + column] - sum) <= kLimit * size))
      throw std::runtime_error("the matrix product is wrong");
  }
}

void measure(GemmRate& g, int repeat) {
  const auto a = random_values(g.rows * g.in, 1), b = random_values(g.out * g.in, 2);
  std::vector<float> c(g.rows * g.out);
  const auto multiply = [&] {
    gemm_nt(g.rows, g.out, g.in, a.data(), g.in, b.data(), g.in, c.data(), g.out);
  };
  multiply();
  check(g, a, b, c);
  Policy policy;
  policy.max_blocks = repeat;
  const Timings timings =
      time_contenders({{g.name,
                        [&](int64_t in_a_row) {
                          return std::vector{RunTimes{0, seconds_each(in_a_row, multiply)}};
                        }}},
                      policy);
  timings.rethrow_failure();
  throw_if_cancelled();
  const double flops = 2 * static_cast<double>(g.rows) * static_cast<double>(g.in * g.out);
  for (const Block& block : timings.contenders[0].blocks())
    g.gflops = std::max(g.gflops, 1e-9 * flops / block.run_seconds);
}

}  // namespace

std::vector<GemmRate> measure_gemms(const DitModel& model, int64_t rows, int repeat) {
  std::vector<GemmRate> rates = {{"projection", rows, model.dim, model.dim},
                                 {"FFN up", rows, model.dim, model.ffn_dim},
                                 {"FFN down", rows, model.ffn_dim, model.dim}};
  for (GemmRate& rate : rates) {
    throw_if_cancelled();
    measure(rate, repeat);
  }
  return rates;
}

double mean_rate(const std::vector<GemmRate>& rates, const DitModel& model) {
  // Six projections of the video's tokens in a Wan block (q, k, v, o and the cross-attention's q
  // and o); four in a stream of an MMDiT.
  const bool wan = model.blocks[0].kind == BlockKind::cross_attention;
  const double projections = wan ? 6 : 4;
  double work = 0, time = 0;
  for (const GemmRate& rate : rates) {
    const double flops =
        static_cast<double>(rate.in * rate.out) * (rate.name == "projection" ? projections : 1);
    work += flops;
    time += flops / rate.gflops;
  }
  return work / time;
}

}  // namespace vidattn
