#include "metrics/plan/fidelity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/backend.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

Output run(const Plan& plan, const Inputs& in) {
  Output out;
  find_device("reference").run(plan, in, out);
  return out;
}

TEST(Fidelity, FullAgainstItselfIsPerfect) {
  const Inputs in = random_inputs(20, 2, 8);
  const Backend& full = find_backend("full");
  const Plan plan = full.plan(in, full.defaults());
  const Output out = run(plan, in);
  const Fidelity f = compare_with_full(plan, in, out, out, sample_tokens(20, 20));
  EXPECT_EQ(f.relative_l2, 0);
  EXPECT_NEAR(f.cosine, 1, 1e-12);
  EXPECT_DOUBLE_EQ(f.recall_mean, 1);
  EXPECT_EQ(f.tokens, 20);
}

TEST(Fidelity, ADirectionOfNothingIsUndefined) {
  Inputs in = random_inputs(20, 2, 8);
  in.v = std::make_shared<const Tensor>(20, 2, 8);
  const Backend& full = find_backend("full");
  const Plan plan = full.plan(in, full.defaults());
  const Output zero = run(plan, in);
  const Fidelity f = compare_with_full(plan, in, zero, zero, sample_tokens(20, 20));
  EXPECT_TRUE(std::isnan(f.relative_l2));
  EXPECT_TRUE(std::isnan(f.cosine));
  EXPECT_EQ(f.max_error, 0);
}

TEST(Fidelity, CrossAttentionWithWideValues) {
  Generator random{1};
  Inputs in = random_cross(15, 33, 2, 1, 16, 48, random);
  const auto tokens = sample_tokens(15, 15);
  const Output full = run(full_attention_rows(tokens, 33), in);
  const Fidelity same = compare_with_full(full_attention_rows(tokens, 33), in, full, full, tokens);
  EXPECT_EQ(same.max_error, 0);
  EXPECT_NEAR(same.recall_mean, 1, 1e-6);
  Output other = run(full_attention_rows(tokens, 33), in);
  other.o.row(3, 1)[47] += 1;  // the last channel counts, too
  const Fidelity f = compare_with_full(full_attention_rows(tokens, 33), in, other, full, tokens);
  EXPECT_NEAR(f.max_error, 1, 1e-6);
  in.q = std::make_shared<const Tensor>(15, 2, 16);  // all scores 0: every key weighs the same
  HeadTable third;
  third.add(0, 15, {{22, 33}});
  const Plan plan{.branches = {{.name = "third", .tables = {third}}}};
  EXPECT_NEAR(
      compare_with_full(plan, in, run(plan, in), run(full_attention_rows(tokens, 33), in), tokens)
          .recall_mean,
      1.0 / 3, 1e-6);
}

TEST(Fidelity, RecallOfEqualScoresIsTheDensity) {
  Inputs in = random_video(4, 2, 3, 1, 8);
  in.q = std::make_shared<const Tensor>(24, 1, 8);  // all scores 0: every key weighs the same
  const Backend& frame = find_backend("frame");
  const Plan plan = frame.plan(in, frame.defaults());
  const auto tokens = sample_tokens(24, 10);
  const Output full = run(full_attention_rows(tokens, 24), in);
  const Fidelity f = compare_with_full(plan, in, run(plan, in), full, tokens);
  EXPECT_NEAR(f.recall_mean, 0.25, 1e-6);
  EXPECT_NEAR(f.recall_p5, 0.25, 1e-6);
}

TEST(Fidelity, HeadsAddUpToTheWhole) {
  const Inputs in = random_video(4, 2, 3, 3, 8);
  const Backend& frame = find_backend("frame");
  const Plan plan = frame.plan(in, frame.defaults());
  const auto tokens = sample_tokens(24, 24);
  const Output full = run(full_attention_rows(tokens, 24), in);
  Output out = run(plan, in);
  for (int64_t i : tokens)  // the last head of full attention itself
    std::copy_n(full.o.row(i, 2), 8, out.o.row(i, 2));
  const Fidelity f = compare_with_full(plan, in, out, full, tokens);
  ASSERT_EQ(f.heads.size(), 3U);
  EXPECT_EQ(f.heads[2].relative_l2, 0);
  EXPECT_NEAR(f.heads[2].cosine, 1, 1e-12);
  EXPECT_GT(f.heads[0].relative_l2, 0.1);
  double recall = 0, cosine = 0;
  for (const HeadFidelity& head : f.heads) {
    recall += head.recall / 3;
    cosine += head.cosine / 3;
  }
  EXPECT_NEAR(f.recall_mean, recall, 1e-12);
  EXPECT_NEAR(f.cosine, cosine, 1e-12);
  EXPECT_NE(f.heads[0].recall, f.heads[1].recall);
}

TEST(Fidelity, RecallOfACombinedPlanCountsSharedKeysOnce) {
  Inputs in = random_video(4, 2, 2, 1, 8);
  in.q = std::make_shared<const Tensor>(16, 1, 8);
  const Backend& frame = find_backend("frame");
  Plan plan = frame.plan(in, frame.defaults());
  plan.branches.push_back(plan.branches[0]);
  const auto tokens = sample_tokens(16, 16);
  const Output full = run(full_attention_rows(tokens, 16), in);
  EXPECT_NEAR(compare_with_full(plan, in, run(plan, in), full, tokens).recall_mean, 0.25, 1e-6);
}

TEST(Fidelity, RecallOfAMappedTokenIsItsOwnQuerysMass) {
  const Inputs in = random_inputs(12, 1, 8);
  Plan plan = full_attention_rows({0}, 12);
  plan.branches[0].output_map = {std::vector<int32_t>(12, 0)};  // all take token 0's result
  plan.validate(in);
  const auto tokens = sample_tokens(12, 12);
  const Backend& full = find_backend("full");
  const Output dense = run(full.plan(in, full.defaults()), in);
  const Fidelity f = compare_with_full(plan, in, run(plan, in), dense, tokens);
  EXPECT_NEAR(f.recall_mean, 1, 1e-6);  // every key is seen, though the result is token 0's
  EXPECT_GT(f.relative_l2, 0.1);
}

TEST(Fidelity, SamplesAreDistinctAscendingAndRepeatable) {
  const auto tokens = sample_tokens(1000, 50);
  ASSERT_EQ(tokens.size(), 50U);
  for (size_t i = 1; i < tokens.size(); ++i) EXPECT_LT(tokens[i - 1], tokens[i]);
  EXPECT_EQ(tokens, sample_tokens(1000, 50));
  EXPECT_EQ(sample_tokens(3, 50), (std::vector<int64_t>{0, 1, 2}));
}

}  // namespace
}  // namespace vidattn
