#include "harness/measure/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <new>
#include <stdexcept>
#include <thread>

#include "attention/error.h"
#include "harness/host/output/thrown.h"
#include "tests/harness/measure/engine/fake_machine.h"

namespace vidattn {
namespace {

using testing::FakeMachine;

Contender broken_after(FakeMachine& machine, char name, int runs) {
  return machine.contender(name, [runs, run = 0]() mutable {
    if (run++ >= runs) throw std::runtime_error("broken");
    return 1.0;
  });
}

/// Interrupts in its n-th run, from 1, as Ctrl-C would: the run itself is cancelled.
Contender interrupted_in(FakeMachine& machine, char name, int n) {
  return machine.contender(name, [n, run = 0]() mutable {
    if (++run == n) runs_cancelled = true;
    throw_if_cancelled();
    return 1.0;
  });
}

std::vector<int64_t> indices(const ContenderTimes& times) {
  std::vector<int64_t> found;
  for (const Block& block : times.blocks()) found.push_back(block.index);
  return found;
}

TEST(Engine, EveryBlockHasEveryContenderBesideTheControl) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 20;
  policy.control = 1;
  const Timings timings =
      time_contenders({machine.contender('a', 2), machine.contender('c', 4)}, policy);
  EXPECT_EQ(timings.stopped, Stop::blocks);
  EXPECT_EQ(machine.log.size(), 40U);
  EXPECT_DOUBLE_EQ(timings.seconds, 20 * 6);
  for (const ContenderTimes& times : timings.contenders)
    ASSERT_EQ(times.blocks().size(), 20U) << times.name;
  for (size_t i = 0; i < 20; ++i) {
    const Block& a = timings.contenders[0].blocks()[i];
    const Block& c = timings.contenders[1].blocks()[i];
    EXPECT_EQ(a.index, static_cast<int64_t>(i));
    EXPECT_DOUBLE_EQ(a.ratio(), 0.5);
    EXPECT_DOUBLE_EQ(c.ratio(), 1);
    EXPECT_EQ(a.position, machine.log[2 * i] == 'a' ? 0 : 1);
    EXPECT_EQ(a.dense_position, 1 - a.position);
  }
  EXPECT_TRUE(time_contenders({}, policy).contenders.empty());
}

TEST(Engine, WithoutAControlThereIsNoRatio) {
  FakeMachine machine;
  const Timings timings = time_contenders({machine.contender('a', 1)}, machine.by_its_clock());
  EXPECT_TRUE(std::isnan(timings.contenders[0].blocks().at(0).ratio()));
  EXPECT_EQ(log_ratios(timings.contenders[0].blocks()).size(), 0U);
}

TEST(Engine, ABlockIsItsFastestRunAndAllRunsAreKept) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 2;
  policy.warm_up.least_rounds = 1;
  policy.block_seconds = 4;
  policy.most_rounds = 16;
  const std::vector<double> seconds = {1, 3, 2, 5, 4, 9, 9, 8, 7};  // the first warms up
  size_t run = 0;
  const Timings timings =
      time_contenders({machine.contender('a', [&] { return seconds.at(run++); })}, policy);
  EXPECT_EQ(timings.rounds, 4);
  EXPECT_DOUBLE_EQ(timings.contenders[0].blocks().at(0).seconds(), 2);
  EXPECT_DOUBLE_EQ(timings.contenders[0].blocks().at(1).seconds(), 7);
  EXPECT_EQ(timings.contenders[0].runs().size(), 8U);
}

TEST(Engine, LongRunsHaveOneRoundAndShortOnesTheMost) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.warm_up.least_rounds = 2;
  policy.block_seconds = 0.2;
  policy.most_rounds = 16;
  const auto rounds = [&](double seconds) {
    return time_contenders({machine.contender('a', seconds)}, policy).rounds;
  };
  EXPECT_EQ(rounds(5), 1);
  EXPECT_EQ(rounds(0.15), 1);
  EXPECT_EQ(rounds(0.06), 3);
  EXPECT_EQ(rounds(0.001), 16);
  policy.interleaving = Interleaving::mirrored;
  EXPECT_EQ(rounds(0.04), 2) << "which run it twice";
  policy.warm_up = {};
  EXPECT_EQ(rounds(0.001), 1) << "nothing is known of its length";
}

TEST(Engine, AMirroredBlockCancelsATrend) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.interleaving = Interleaving::mirrored;
  policy.max_blocks = 200;
  policy.control = 0;
  // Every run takes 1% longer than the one before: in each block either side ran as early.
  double seconds = 1;
  const auto slower_and_slower = [&] { return seconds *= 1.01; };
  const Timings timings = time_contenders(
      {machine.contender('A', slower_and_slower), machine.contender('B', slower_and_slower)},
      policy);
  const auto& a = timings.contenders[0].runs();
  const auto& b = timings.contenders[1].runs();
  int a_first = 0;
  for (size_t block = 0; block < 200; ++block) {
    const std::string order = machine.log.substr(4 * block, 4);
    EXPECT_EQ(order, timings.contenders[0].blocks()[block].position == 0 ? "ABBA" : "BAAB");
    a_first += order[0] == 'A';
    const double of_a = std::log(a[2 * block].run) + std::log(a[2 * block + 1].run);
    const double of_b = std::log(b[2 * block].run) + std::log(b[2 * block + 1].run);
    EXPECT_NEAR(of_a, of_b, 1e-9);
  }
  EXPECT_NEAR(a_first, 100, 36) << "5 standard deviations of a fair coin";
}

TEST(Engine, AnInterruptKeepsTheFinishedBlocks) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.interleaving = Interleaving::rotated;
  policy.max_blocks = 10;
  const Timings timings =
      time_contenders({machine.contender('a', 1), interrupted_in(machine, 'b', 3)}, policy);
  EXPECT_EQ(timings.stopped, Stop::interrupted);
  EXPECT_EQ(machine.log, "abbaab");
  EXPECT_EQ(indices(timings.contenders[0]), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(indices(timings.contenders[1]), (std::vector<int64_t>{0, 1}));
  EXPECT_FALSE(timings.contenders[1].failure) << "cancelled is not failed";
}

TEST(Engine, ForMediansTheUnfinishedBlockIsKeptOfThoseWhoRan) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.interleaving = Interleaving::rotated;
  policy.max_blocks = 10;
  policy.keep_unfinished = true;
  policy.peak = [] { return 7; };
  const Timings timings =
      time_contenders({machine.contender('a', 1), interrupted_in(machine, 'b', 3)}, policy);
  EXPECT_EQ(timings.stopped, Stop::interrupted);
  EXPECT_EQ(indices(timings.contenders[0]), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(indices(timings.contenders[1]), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(timings.peaks.size(), 3U);
}

TEST(Engine, AnInterruptInTheWarmUpLeavesNothing) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.warm_up.least_rounds = 3;
  const Timings timings = time_contenders({interrupted_in(machine, 'a', 2)}, policy);
  EXPECT_EQ(timings.stopped, Stop::interrupted);
  EXPECT_TRUE(timings.contenders.at(0).blocks().empty());
  EXPECT_EQ(time_contenders({machine.contender('b', 1)}, machine.by_its_clock()).stopped,
            Stop::interrupted)
      << "and later ones do not begin";
  EXPECT_EQ(machine.log, "aa");
}

TEST(Engine, AContenderThatFailsLeavesTheOthersTheirTimes) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.interleaving = Interleaving::rotated;
  policy.max_blocks = 4;
  policy.control = 1;
  const Timings timings = time_contenders(
      {broken_after(machine, 'a', 2), machine.contender('c', 1), machine.contender('d', 2)},
      policy);
  EXPECT_EQ(timings.stopped, Stop::blocks);
  EXPECT_EQ(timings.contenders[0].blocks().size(), 2U) << "what was measured stays";
  EXPECT_EQ(timings.contenders[2].blocks().size(), 4U);
  EXPECT_EQ(std::count(machine.log.begin(), machine.log.end(), 'a'), 3) << "it runs no more";
  EXPECT_EQ(failure_text(timings.contenders[0].failure), "broken");
  EXPECT_THROW(timings.rethrow_failure(), std::runtime_error);
}

TEST(Engine, AFailureInTheWarmUpIsOneAsWell) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.warm_up.least_rounds = 2;
  const Timings timings =
      time_contenders({broken_after(machine, 'a', 0), machine.contender('b', 1)}, policy);
  EXPECT_TRUE(timings.contenders[0].failure);
  EXPECT_EQ(timings.contenders[1].blocks().size(), 1U);
}

TEST(Engine, WithoutTheControlItEnds) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 10;
  policy.control = 0;
  const Timings timings =
      time_contenders({broken_after(machine, 'c', 3), machine.contender('a', 1)}, policy);
  EXPECT_EQ(timings.stopped, Stop::failed);
  EXPECT_EQ(timings.contenders[1].blocks().size(), 3U);
  EXPECT_EQ(time_contenders({broken_after(machine, 'x', 0)}, machine.by_its_clock()).stopped,
            Stop::failed)
      << "nobody is left";
}

TEST(Engine, ARunOfSeveralCasesHasBlocksOfEach) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 3;
  policy.control = 0;
  const auto process = [](double one, double two) {
    return Contender{"process", [one, two](int64_t) {
                       return std::vector{RunTimes{0, one}, RunTimes{0, two}};
                     }};
  };
  const Timings timings = time_contenders({process(1, 10), process(2, 30)}, policy);
  ASSERT_EQ(timings.contenders[1].cases.size(), 2U);
  EXPECT_DOUBLE_EQ(timings.contenders[1].cases[0].blocks.at(2).ratio(), 2);
  EXPECT_DOUBLE_EQ(timings.contenders[1].cases[1].blocks.at(2).ratio(), 3);
  size_t count = 1;
  const Contender growing{"growing", [&](int64_t) { return std::vector<RunTimes>(count++); }};
  const Timings refused = time_contenders({growing}, policy);
  EXPECT_EQ(failure_text(refused.contenders[0].failure),
            "growing gave the times of 2 cases, not of 1");
}

/// What the yardsticks were asked for while a contender of these seconds was timed for 3 blocks.
struct Beside {
  std::vector<double> gflop;
  Timings timings;
};

Beside time_beside(double seconds, double rate) {
  FakeMachine machine;
  Beside found;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 3;
  policy.warm_up.least_rounds = 1;
  policy.block_seconds = 0.1;
  policy.most_rounds = 2;
  policy.multiply_adds = [&](double gflop) {
    found.gflop.push_back(gflop);
    return rate + static_cast<double>(found.gflop.size());
  };
  found.timings = time_contenders({machine.contender('a', seconds)}, policy);
  return found;
}

TEST(Engine, MultiplyAddsRunInEveryRoundAboutAsLongAsTheFirstContender) {
  const Beside found = time_beside(0.01, 100);
  ASSERT_EQ(found.gflop.size(), 7U) << "a trial, then 2 rounds of 3 blocks";
  EXPECT_DOUBLE_EQ(found.gflop[1], 0.01 * 101) << "GFLOP in 10 ms at the trial's rate";
  EXPECT_EQ(found.timings.multiply_adds, (std::vector<double>{103, 105, 107})) << "the fastest";
}

TEST(Engine, MultiplyAddsTakeTwentyMillisecondsAtMostAndNoneAreBesideTwo) {
  EXPECT_DOUBLE_EQ(time_beside(3, 100).gflop.at(1), 0.02 * 101);
  EXPECT_EQ(time_beside(0.0019, 100).gflop.size(), 0U);
  EXPECT_EQ(time_beside(0.0019, 100).timings.multiply_adds.size(), 0U);
  const Beside on_a_device = time_beside(0.01, -1);  // no rate in the trial
  EXPECT_EQ(on_a_device.gflop.size(), 1U);
  EXPECT_EQ(on_a_device.timings.multiply_adds.size(), 0U);
}

TEST(Engine, ThePeakIsMeasuredAgainWhenItIsOld) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 6;
  int measured = 0;
  policy.peak = [&] { return ++measured; };
  policy.peak_age = 0.3;
  const Timings timings = time_contenders({machine.contender('a', 0.125)}, policy);
  EXPECT_EQ(timings.peaks, (std::vector<double>{1, 1, 1, 2, 2, 2}));
  EXPECT_DOUBLE_EQ(timings.contenders[0].blocks()[3].peak_flops, 2e9);
  policy.peak_age = 0;
  EXPECT_EQ(time_contenders({machine.contender('a', 0)}, policy).peaks.back(), 8);
}

TEST(Engine, TheBudgetEndsItAfterTheBlockInProgress) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.seconds = 10;
  policy.max_blocks = kUnlimited;
  const Timings timings = time_contenders({machine.contender('a', 4)}, policy);
  EXPECT_EQ(timings.stopped, Stop::time);
  EXPECT_EQ(timings.contenders[0].blocks().size(), 3U);
  policy.min_blocks = 5;
  EXPECT_EQ(time_contenders({machine.contender('a', 4)}, policy).contenders[0].blocks().size(), 5U);
}

TEST(Engine, OutliersAreClassedAndKept) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 30;
  policy.control = 1;
  int run = 0;
  const auto spike = [&] { return ++run == 15 ? 9.0 : 1 + 0.001 * (run % 5); };
  const Timings timings =
      time_contenders({machine.contender('a', spike), machine.contender('c', 1)}, policy);
  ASSERT_EQ(timings.contenders[0].blocks().size(), 30U);
  EXPECT_EQ(timings.contenders[0].blocks()[14].outlier, "severe");
  EXPECT_EQ(timings.contenders[0].blocks()[13].outlier, "");
}

TEST(Engine, BetweenTwoBlocksItTellsWhatThereIs) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 4;
  std::vector<size_t> told;
  policy.after_block = [&](const Timings& so_far) {
    told.push_back(so_far.contenders[1].blocks().size());
  };
  time_contenders({machine.contender('a', 1), machine.contender('b', 2)}, policy);
  EXPECT_EQ(told, (std::vector<size_t>{1, 2, 3})) << "the last one is the result";
}

TEST(Engine, ABlockHasTheCpuTimeOfItsFastestRun) {
  FakeMachine machine;
  Policy policy = machine.by_its_clock();
  policy.max_blocks = 1;
  policy.block_seconds = 10;
  policy.most_rounds = 3;
  policy.warm_up = {.least_rounds = 1, .most_rounds = 1};
  double seconds = 5;
  const Contender slower_and_slower{"a", [&](int64_t) {
                                      machine.time += seconds++ / 5;
                                      return std::vector{RunTimes{0, seconds, {}, 2 * seconds}};
                                    }};
  const Timings timings = time_contenders({slower_and_slower}, policy);
  const Block& block = timings.contenders[0].blocks().at(0);
  EXPECT_EQ(block.cpu_seconds, 2 * block.run_seconds);
}

TEST(Elapsed, CpuTimeIsOfAllThreadsAndWaitingTakesNone) {
  const auto own_seconds = [] {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
  };
  // Of its own time, however little of a core it has beside other programs.
  const auto spin = [&] {
    const double start = own_seconds();
    while (own_seconds() - start < 0.1) {
    }
  };
  const Elapsed two = elapsed_each(1, [&] {
    std::jthread other(spin);
    spin();
  });
  EXPECT_GE(two.cpu, 0.19);
  EXPECT_LT(two.cpu, 0.3);
  const Elapsed waited =
      elapsed_each(1, [] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });
  EXPECT_GE(waited.seconds, 0.1);
  EXPECT_LT(waited.cpu, 0.05);
}

}  // namespace
}  // namespace vidattn
