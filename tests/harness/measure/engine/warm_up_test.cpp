#include "harness/measure/engine/warm_up.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/harness/measure/engine/fake_machine.h"

namespace vidattn {
namespace {

using testing::FakeMachine;

WarmUp warm(FakeMachine& machine, const std::vector<Contender>& contenders, WarmUpRule rule) {
  const Policy policy = machine.by_its_clock();
  ContenderRunner runner(contenders, policy);
  return warm_up(runner, rule, policy.now);
}

/// Runs of 1 s, but the first `cold` take longer, each less than the one before.
Contender cold_at_first(FakeMachine& machine, char name, int cold) {
  return machine.contender(name,
                           [cold, run = 0]() mutable { return 1.0 + std::max(0, cold - run++); });
}

TEST(WarmUp, HasSettledWhenTheLastThreeAreWithinFivePercent) {
  EXPECT_FALSE(settled({}));
  EXPECT_FALSE(settled({1, 1}));
  EXPECT_TRUE(settled({1, 1, 1}));
  EXPECT_TRUE(settled({9, 1, 1.02, 1.05}));
  EXPECT_FALSE(settled({1, 1, 1.06}));
  EXPECT_FALSE(settled({1, 1, 1, 2}));
}

TEST(WarmUp, LastsUntilEveryContenderHasSettled) {
  FakeMachine machine;
  const WarmUp w = warm(machine, {cold_at_first(machine, 'a', 1), cold_at_first(machine, 'b', 4)},
                        {.least_rounds = 1, .most_rounds = 20});
  EXPECT_TRUE(w.settled);
  EXPECT_EQ(w.rounds, 7) << "four cold ones, then three alike";
  EXPECT_EQ(machine.log, "ababababababab");
  EXPECT_DOUBLE_EQ(w.fastest_round, 2);
  EXPECT_DOUBLE_EQ(w.fastest_run, 1);
  EXPECT_DOUBLE_EQ(w.seconds, machine.time);
}

TEST(WarmUp, GivesUpAfterItsRoundsOrSecondsAndSaysSo) {
  FakeMachine machine;
  const auto restless = [&] {
    return machine.contender('a', [run = 0]() mutable { return ++run % 2 == 0 ? 1.0 : 2.0; });
  };
  WarmUp w = warm(machine, {restless()}, {.least_rounds = 1, .most_rounds = 20});
  EXPECT_EQ(w.rounds, 20);
  EXPECT_FALSE(w.settled);
  w = warm(machine, {restless()}, {.least_rounds = 1, .most_rounds = 20, .most_seconds = 7});
  EXPECT_EQ(w.rounds, 5) << "2 + 1 + 2 + 1 are less than 7";
  w = warm(machine, {restless()}, {.least_rounds = 1, .most_rounds = 20, .most_seconds = 0.1});
  EXPECT_EQ(w.rounds, 1);
}

TEST(WarmUp, LastsForItsLeastEvenWhenItHasSettled) {
  FakeMachine machine;
  WarmUp w = warm(machine, {machine.contender('a', 0.01)},
                  {.least_rounds = 2, .most_rounds = 0, .least_seconds = 0.195});
  EXPECT_EQ(w.rounds, 20);
  w = warm(machine, {machine.contender('a', 5)},
           {.least_rounds = 2, .most_rounds = 0, .least_seconds = 0.2});
  EXPECT_EQ(w.rounds, 2);
  EXPECT_FALSE(w.settled);
  EXPECT_EQ(warm(machine, {machine.contender('a', 5)}, {}).rounds, 0);
}

TEST(WarmUp, DoesNotWaitForAContenderThatFailed) {
  FakeMachine machine;
  const Contender broken{
      "b", [](int64_t) -> std::vector<RunTimes> { throw std::runtime_error("broken"); }};
  const WarmUpRule rule{.least_rounds = 1, .most_rounds = 20};
  EXPECT_EQ(warm(machine, {machine.contender('a', 1), broken}, rule).rounds, 3);
  EXPECT_EQ(warm(machine, {broken}, rule).rounds, 1);
}

}  // namespace
}  // namespace vidattn
