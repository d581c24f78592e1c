#include "metrics/machine/limits.h"

#include <gtest/gtest.h>

#include "attention/cpu/bursts.h"
#include "attention/cpu/units/simd.h"

namespace vidattn {
namespace {

UnitRates round_rates() {
  UnitRates rates;
  rates.fma = 100;
  rates.bf16_dot = 200;
  rates.bf16_tile = 1000;
  rates.int8 = 2000;
  rates.exp2 = 10;
  rates.l2 = 50;
  rates.memory = 5;
  return rates;
}

TEST(KernelLimit, VectorUnitsTakeProductsAndExponentialsOneAfterTheOther) {
  const KernelLimit limit = kernel_limit({DType::f32, 1e9, 1e9, 1e8, 1, 1}, round_rates());
  EXPECT_DOUBLE_EQ(limit.seconds, 2.0 / 100 + 0.1 / 10);
  EXPECT_EQ(limit.bound, "FMA + exp2");
}

TEST(KernelLimit, CachesWorkBesideThem) {
  EXPECT_EQ(kernel_limit({DType::f32, 1e9, 1e9, 1e8, 1e10, 1}, round_rates()).bound, "L2");
  const KernelLimit memory = kernel_limit({DType::f32, 1e9, 1e9, 1e8, 1, 1e10}, round_rates());
  EXPECT_EQ(memory.bound, "memory");
  EXPECT_DOUBLE_EQ(memory.seconds, 2);
  UnitRates unknown = round_rates();
  unknown.memory = NAN;
  EXPECT_EQ(kernel_limit({DType::f32, 1e9, 1e9, 1e8, 1, 1e10}, unknown).bound, "FMA + exp2");
}

TEST(KernelLimit, HalfTypesHaveTheUnitThatTheDeviceUses) {
  const Bf16Unit best = cpu_bf16_unit();
  for (const Bf16Unit unit : cpu_bf16_units()) {
    force_cpu_bf16_unit(unit);
    const KernelLimit limit = kernel_limit({DType::bf16, 1e9, 1e9, 1e8, 1, 1}, round_rates());
    const char* bound = unit == Bf16Unit::none  ? "FMA + exp2"
                        : unit == Bf16Unit::dot ? "AVX512_BF16 + exp2"
                                                : "exp2";  // 2 ms of tiles beside 10
    EXPECT_EQ(limit.bound, bound);
  }
  force_cpu_bf16_unit(best);
}

TEST(UnitRates, AreMeasuredOnThisMachine) {
  const UnitRates rates = measure_units(1);
  EXPECT_GT(rates.fma, 1);
  EXPECT_GT(rates.exp2, 0.05);
  EXPECT_LT(rates.exp2, rates.fma) << "an exponential takes several multiply-adds";
  EXPECT_GT(rates.l2, 1);
  EXPECT_EQ(cpu::query_tile() % 3, 0);
}

}  // namespace
}  // namespace vidattn
