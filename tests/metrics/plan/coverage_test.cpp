#include "metrics/plan/coverage.h"

#include <gtest/gtest.h>

#include "attention/backend.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// 8 video tokens and 2 text tokens.
Inputs with_text() {
  Generator random(1);
  Inputs in = random_inputs(10, 10, 2, 2, 8, random);
  in.grid = {.frames = 2, .height = 2, .width = 2, .text_tokens = 2};
  return in;
}

Plan plan_of(const std::vector<HeadTable>& tables) {
  return one_branch({.name = "some", .tables = tables});
}

TEST(Coverage, OfFullAttentionIsComplete) {
  const Inputs in = with_text();
  EXPECT_TRUE(plan_coverage(full_plan(in), in).complete());
  EXPECT_EQ(plan_coverage(full_plan(in), in).text(), "");
}

TEST(Coverage, KeysOfCrossAttentionAreNoTokens) {
  Generator random(1);
  Inputs in = random_inputs(10, 33, 2, 2, 8, random);
  in.grid = {.frames = 2, .height = 2, .width = 2, .text_tokens = 2};
  EXPECT_TRUE(plan_coverage(full_plan(in), in).complete());
  HeadTable video;
  video.add(0, 8, {{0, 33}});  // keys 8 and 9 are not the text tokens 8 and 9
  const Coverage found = plan_coverage(plan_of({video}), in);
  EXPECT_EQ(found.uncovered, 2);
  EXPECT_EQ(found.unmentioned_text, 2);
}

TEST(Coverage, CountsWhatAnyHeadLeavesOut) {
  HeadTable all, part;
  all.add(0, 10, {{0, 10}});
  part.add(0, 6, {{0, 8}});
  part.add(6, 7, {});
  part.add(7, 8, {{0, 8, 1, 2}});  // the band begins behind the last key
  const Inputs in = with_text();
  const Coverage found = plan_coverage(plan_of({all, part}), in);
  EXPECT_EQ(found.uncovered, 2);
  EXPECT_EQ(found.keyless, 2);
  EXPECT_EQ(found.keyless_per_head, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(found.unmentioned_text, 2);
  EXPECT_EQ(found.text(),
            "2 tokens are in no query segment, 2 tokens see no keys, 2 text tokens are neither "
            "queries nor keys");
}

TEST(Coverage, TextThatIsSeenIsMentioned) {
  HeadTable seen;
  seen.add(0, 8, {{0, 4}, {8, 10}});
  const Coverage found = plan_coverage(plan_of({seen}), with_text());
  EXPECT_EQ(found.uncovered, 2);
  EXPECT_EQ(found.unmentioned_text, 0);
}

TEST(Coverage, AnotherBranchOrAConstantCovers) {
  HeadTable first, rest;
  first.add(0, 5, {{0, 10}});
  rest.add(5, 10, {{0, 10}});
  Plan plan = plan_of({first});
  const Inputs in = with_text();
  EXPECT_EQ(plan_coverage(plan, in).uncovered, 5);
  Plan both = plan;
  both.branches.push_back({.name = "rest", .tables = {rest}});
  EXPECT_TRUE(plan_coverage(both, in).complete());
  plan.constant = std::make_shared<const Tensor>(10, 2, 8);
  EXPECT_TRUE(plan_coverage(plan, in).complete());
}

}  // namespace
}  // namespace vidattn
