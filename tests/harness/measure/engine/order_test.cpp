#include "harness/measure/engine/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace vidattn {
namespace {

using Round = std::vector<size_t>;

/// Each of `kinds` equally likely outcomes came as often as chance allows (5 standard deviations).
void expect_fair(const std::map<Round, int>& counts, size_t kinds, int total) {
  EXPECT_EQ(counts.size(), kinds);
  const double p = 1.0 / static_cast<double>(kinds);
  for (const auto& [round, count] : counts)
    EXPECT_NEAR(count, p * total, 5 * std::sqrt(p * (1 - p) * total));
}

TEST(Order, AShuffledRoundIsEveryPermutationAlike) {
  RoundOrder order(Interleaving::shuffled, 3, 1);
  std::map<Round, int> counts;
  order.begin_block(0);
  constexpr int kRounds = 6000;
  for (int i = 0; i < kRounds; ++i) ++counts[order.next_round()];
  expect_fair(counts, 6, kRounds);
}

TEST(Order, AMirroredBlockIsABBAOrBAABByAFairCoinAndTheSameInAllItsRounds) {
  RoundOrder order(Interleaving::mirrored, 2, 1);
  std::map<Round, int> counts;
  constexpr int kBlocks = 4000;
  int same_as_before = 0;
  Round before;
  for (int i = 0; i < kBlocks; ++i) {
    order.begin_block(i);
    const Round round = order.next_round();
    EXPECT_EQ(round, (round[0] == 0 ? Round{0, 1, 1, 0} : Round{1, 0, 0, 1}));
    EXPECT_EQ(order.next_round(), round);
    ++counts[round];
    same_as_before += round == before;
    before = round;
  }
  expect_fair(counts, 2, kBlocks);
  // One coin does not depend on the one before.
  EXPECT_NEAR(same_as_before, kBlocks / 2.0, 5 * std::sqrt(kBlocks) / 2);
  EXPECT_EQ(order.runs(), 2);
}

TEST(Order, SeveralAreMirroredAsWell) {
  RoundOrder order(Interleaving::mirrored, 4, 3);
  order.begin_block(0);
  const Round round = order.next_round();
  ASSERT_EQ(round.size(), 8U);
  EXPECT_TRUE(std::equal(round.begin(), round.begin() + 4, round.rbegin()));
}

TEST(Order, RotatedBlocksStartWithTheNext) {
  RoundOrder order(Interleaving::rotated, 3, 1);
  for (const Round& expected : {Round{0, 1, 2}, Round{1, 2, 0}, Round{2, 0, 1}, Round{0, 1, 2}}) {
    static int64_t block = 0;
    order.begin_block(block++);
    EXPECT_EQ(order.next_round(), expected);
  }
}

TEST(Order, TheSeedGivesTheOrder) {
  for (const Interleaving kind : {Interleaving::shuffled, Interleaving::mirrored}) {
    RoundOrder one(kind, 5, 7), same(kind, 5, 7), other(kind, 5, 8);
    int different = 0;
    for (int64_t block = 0; block < 20; ++block) {
      for (RoundOrder* order : {&one, &same, &other}) order->begin_block(block);
      const Round round = one.next_round();
      EXPECT_EQ(round, same.next_round());
      different += round != other.next_round();
    }
    EXPECT_GT(different, 10);
  }
}

TEST(Order, WhatRunsBesideIsInEveryPlaceAlike) {
  RoundOrder order(Interleaving::shuffled, 4, 1);
  std::map<Round, int> counts;
  constexpr int kRounds = 4000;
  for (int i = 0; i < kRounds; ++i) ++counts[{order.place()}];
  expect_fair(counts, 4, kRounds);
}

TEST(Order, ABlocksOrderFollowsFromSeedAndIndexHoweverManyRoundsCameBefore) {
  for (const Interleaving kind : {Interleaving::shuffled, Interleaving::mirrored}) {
    RoundOrder few(kind, 5, 3), many(kind, 5, 3);
    for (int64_t block = 0; block < 20; ++block) {
      few.begin_block(block);
      many.begin_block(block);
      EXPECT_EQ(few.next_round(), many.next_round());
      for (int round = 0; round < block % 4; ++round) many.next_round();
    }
  }
}

}  // namespace
}  // namespace vidattn
