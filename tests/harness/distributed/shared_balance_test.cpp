#include "harness/distributed/calls/shared_balance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/distributed/ranks/thread_transport.h"
#include "metrics/ranks/shares.h"
#include "tests/harness/distributed/ranks.h"
#include "tests/support/gradients.h"
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

/// Zeros by the names of the router's inputs, to which gradients are added.
std::map<std::string, Array> no_gradients(const Inputs& in) {
  std::map<std::string, Array> zeros;
  for (const auto& [name, array] : in.extra)
    zeros[name] = {array->shape, std::vector<float>(array->size())};
  return zeros;
}

/// `backend` on ranks against one process; gradients within `limit`, 0 = its bits.
void expect_same_balance(const Inputs& in, const std::string& backend, int ranks, double limit) {
  SCOPED_TRACE(backend + " on " + std::to_string(ranks));
  const BackendSpec spec = parse_backend(backend);
  const Device& cpu = find_device("cpu");
  const RouterBalance balance(BalanceForm::switch_transformer, spec);
  std::map<std::string, Array> want = no_gradients(in);
  const double value = add_balance(balance, spec, in, want);
  EXPECT_GT(value, 0);
  on_thread_ranks(
      in, spec, "ulysses", ranks, cpu, [&](Communicator& world, Share rows, SharedCall&) {
        const SharedInputs own = share_inputs(in, spec.backend->info().inputs,
                                              parse_rank_layout("ulysses", ranks), world.rank());
        std::map<std::string, Array> got = no_gradients(own.own);
        EXPECT_NEAR(add_shared_balance(balance, spec, own, cpu, world, got), value, 1e-14);
        for (const auto& [name, array] : want) {
          const auto& all = std::get<std::vector<float>>(array.values);
          const bool of_tokens = array.shape[0] == in.length();
          const int64_t row = std::ssize(all) / array.shape[0];
          const std::vector<float> part =
              of_tokens
                  ? std::vector<float>(all.begin() + rows.begin * row, all.begin() + rows.end * row)
                  : all;
          EXPECT_LE(gradient_error(std::get<std::vector<float>>(got.at(name).values), part), limit)
              << name;
        }
      });
}

TEST(SharedBalance, OfGivenScoresHasTheBitsOfOneProcess) {
  for (const int64_t frames : {1, 4})
    for (const int text : {0, 37}) {  // of 4 ranks the last one has text alone
      Inputs in = random_video(frames, 3, 5, 4, 16);
      if (text > 0) in = with_text(in, text);
      in.extra["router_logits"] = random_array({in.length(), 3}, 8);
      for (const int ranks : {1, 2, 4})
        for (const char* method : {"moga:num_groups=3,balance_alpha=2", "moga_stga:num_groups=3"})
          expect_same_balance(in, method, ranks, 0);
    }
}

TEST(SharedBalance, OfALayerIsWithinRounding) {
  for (const bool biased : {false, true}) {
    Inputs in = random_video(9, 12, 13, 4, 8);  // more tokens than a block of the router's
    in.extra["hidden"] = random_array({in.length(), 24}, 8);
    in.extra["router_weight"] = random_array({5, 24}, 9);
    if (biased) in.extra["router_bias"] = random_array({5}, 10);
    for (const int ranks : {2, 3}) expect_same_balance(in, "moga", ranks, 2e-6);
  }
}

}  // namespace
}  // namespace vidattn
