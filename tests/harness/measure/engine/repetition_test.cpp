#include "harness/measure/engine/repetition.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/host/random.h"
#include "tests/harness/measure/engine/fake_machine.h"

namespace vidattn {
namespace {

using testing::FakeMachine;

TEST(Repetition, WhatFillsTheSpanIsRunOnce) {
  EXPECT_EQ(next_repeat(1, 2e-5, 1e-5), 1);
  EXPECT_EQ(next_repeat(1, 1e-5, 1e-5), 1);
  EXPECT_EQ(next_repeat(40, 1e-6, 3e-5), 40);
  EXPECT_EQ(next_repeat(1, NAN, 1e-5), 1) << "a process without a time is not run again";
}

TEST(Repetition, WhatIsTooShortFillsOneAndAHalf) {
  EXPECT_EQ(next_repeat(1, 5e-6, 1e-5), 3);
  EXPECT_EQ(next_repeat(10, 1e-8, 1e-6), 100) << "no more than ten times as often";
  EXPECT_EQ(next_repeat(100, 1e-8, 1.1e-6), 165);
  EXPECT_EQ(next_repeat(1, 0, 1e-5), 10);
  EXPECT_EQ(next_repeat(1'000'000, 0, 1e-5), 1'000'000) << "there is an end";
}

TEST(Repetition, TheClocksStepIsAboveZeroAndBelowAMillisecond) {
  EXPECT_GT(clock_step(), 0);
  EXPECT_LT(clock_step(), 1e-3);
}

/// What a clock that only counts microseconds says of `seconds`, begun at a random moment.
double read_coarsely(double seconds, double phase) {
  constexpr double kStep = 1e-6;
  return (std::floor(seconds / kStep + phase) - std::floor(phase)) * kStep;
}

TEST(Repetition, NanosecondsAreMeasuredByAClockOfMicroseconds) {
  constexpr double kTrue = 3.7e-9;
  Random random(1);
  const Contender tiny{"tiny", [&](int64_t repeat) {
                         const double all = kTrue * static_cast<double>(repeat);
                         const double read = read_coarsely(all, random.uniform());
                         return std::vector{RunTimes{0, read / static_cast<double>(repeat)}};
                       }};
  Policy policy;
  policy.max_blocks = 50;
  policy.least_span = kLeastSteps * 1e-6;
  const Timings timings = time_contenders({tiny}, policy);
  ASSERT_EQ(timings.contenders[0].blocks().size(), 50U);
  for (const Block& block : timings.contenders[0].blocks())
    EXPECT_NEAR(block.run_seconds, kTrue, 1e-3 * kTrue);
  EXPECT_NEAR(static_cast<double>(timings.contenders[0].repeat), 1.5e-3 / kTrue, 2e3);
}

TEST(Repetition, ARealContenderOfNanosecondsGetsATimePerRun) {
  volatile int64_t sum = 0;
  const Contender tiny{
      "tiny", [&](int64_t repeat) {
        return std::vector{RunTimes{0, seconds_each(repeat, [&] { sum = sum + 1; })}};
      }};
  Policy policy;
  policy.max_blocks = 20;
  const Timings timings = time_contenders({tiny}, policy);
  const ContenderTimes& times = timings.contenders[0];
  EXPECT_GT(times.repeat, 10) << "an addition is no thousandth of reading the clock";
  double fastest = INFINITY;
  for (const Block& block : times.blocks()) fastest = std::min(fastest, block.run_seconds);
  EXPECT_GT(fastest, 0);
  EXPECT_LT(fastest, clock_step()) << "one is shorter than reading the clock, and is seen to be";
}

TEST(Repetition, LongRunsAreNotRepeatedAndColdOnesNever) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 3;
  policy.least_span = 1e-3;
  EXPECT_EQ(time_contenders({machine.contender('a', 1e-3)}, policy).contenders[0].repeat, 1);
  EXPECT_EQ(machine.log, "aaa");
  EXPECT_EQ(time_contenders({machine.contender('a', 4e-4)}, policy).contenders[0].repeat, 4);
  EXPECT_EQ(machine.log, "aaaaaaa") << "one more, which showed that it is too short";
  policy.cold = true;
  const Timings cold = time_contenders({machine.contender('a', 4e-4)}, policy);
  EXPECT_EQ(cold.contenders[0].repeat, 1);
  EXPECT_GE(cold.evicted_bytes, 64 << 20);
}

}  // namespace
}  // namespace vidattn
