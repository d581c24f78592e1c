#include "harness/distributed/calls/shared_balance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/distributed/ranks/thread_transport.h"
#include "metrics/ranks/shares.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

struct BalanceCase {
  int64_t tokens, groups;
};

void expect_what_one_process_has(const BalanceCase& of, BalanceForm form, int ranks) {
  const auto logits = random_array({of.tokens, of.groups}, 4);
  const std::vector<float>& scores = logits->as<float>("logits");
  const LinearRouter whole{of.tokens, of.groups, 0.7, scores.data()};
  const std::vector<int32_t> group = route_on_host(whole).group->host();
  const BalanceLoss one = balance_loss(whole, group, form, 0.1);
  EXPECT_GT(one.value, 0);
  run_thread_ranks(ranks, [&](Transport& transport) {
    Communicator world(transport);
    const Share rows = share_of(of.tokens, ranks, world.rank());
    const LinearRouter own{rows.size(), of.groups, 0.7, scores.data() + rows.begin * of.groups};
    const BalanceLoss part = shared_balance_loss(
        own, {group.begin() + rows.begin, group.begin() + rows.end}, form, 0.1, world);
    EXPECT_NEAR(part.value, one.value, 1e-14);
    ASSERT_EQ(std::ssize(part.scores), rows.size() * of.groups);
    EXPECT_TRUE(std::equal(part.scores.begin(), part.scores.end(),
                           one.scores.begin() + rows.begin * of.groups));
    EXPECT_EQ(world.take_traffic().sent, (ranks - 1) * 8 * of.groups);
  });
}

/// Ragged shares, fewer tokens than ranks, groups without a token, one group.
TEST(SharedBalance, LossAndGradientAreThoseOfOneProcess) {
  for (const BalanceForm form :
       {BalanceForm::assigned, BalanceForm::switch_transformer, BalanceForm::one_hot})
    for (const BalanceCase& of : {BalanceCase{30, 4}, {17, 5}, {3, 8}, {15, 1}})
      for (const int ranks : {1, 2, 3, 4}) {
        SCOPED_TRACE(std::to_string(of.tokens) + " tokens on " + std::to_string(ranks));
        expect_what_one_process_has(of, form, ranks);
      }
}

}  // namespace
}  // namespace vidattn
