// What comparisons and the self-test say of given blocks and verdicts, without measuring.
#include <gtest/gtest.h>

#include <cmath>

#include "harness/compare/compare.h"
#include "harness/compare/selftest.h"

namespace vidattn {
namespace {

std::vector<ComparedCase> doubled_cases(size_t cases, size_t blocks) {
  std::vector<ComparedCase> made(cases);
  for (ComparedCase& c : made) c.log_ratios.assign(blocks, std::log(2));
  return made;
}

TEST(JudgeCases, WhatCannotBeDecidedSaysHowManyBlocksItNeeds) {
  std::vector<ComparedCase> cases = doubled_cases(3, 6);
  judge_cases(cases, {});
  for (const ComparedCase& c : cases) {
    EXPECT_EQ(c.verdict, Verdict::undecidable) << "no p below 0.03, times 3";
    EXPECT_TRUE(std::isinf(c.detectable));
  }
  EXPECT_NE(undecidable_note(cases, {}).find("3 of 3 cases"), std::string::npos);
  EXPECT_NE(undecidable_note(cases, {}).find("; 7 blocks are needed"), std::string::npos)
      << undecidable_note(cases, {});
}

TEST(JudgeCases, OneBlockMoreDecides) {
  std::vector<ComparedCase> cases = doubled_cases(3, 7);
  judge_cases(cases, {});
  for (const ComparedCase& c : cases) EXPECT_EQ(c.verdict, Verdict::slower);
  EXPECT_EQ(undecidable_note(cases, {}), "");
}

TEST(JudgeCases, TheSameIsTheSameWithFewBlocks) {
  std::vector<ComparedCase> cases = doubled_cases(3, 6);
  cases[0].log_ratios.assign(6, 1e-4);
  judge_cases(cases, {});
  EXPECT_EQ(cases[0].verdict, Verdict::same);
  EXPECT_EQ(cases[1].verdict, Verdict::undecidable);
}

TEST(JudgeCases, AComparisonHasTheBlocksThatItsCasesNeed) {
  CompareOptions options;
  EXPECT_EQ(compare_policy(options, "").min_blocks, 10);
  options.densities = {0.1, 0.2, 0.3, 0.4};
  options.rule.alpha = 0.001;
  EXPECT_EQ(compare_policy(options, "").min_blocks, 13);
}

TEST(SelftestVerdict, OnlyAmbiguousOnesAreInconclusive) {
  using V = Verdict;
  EXPECT_EQ(judge_part({V::ambiguous, V::ambiguous}, false, 0.05), Finish::inconclusive);
  EXPECT_EQ(judge_part({V::ambiguous, V::ambiguous}, true, 0.05), Finish::inconclusive);
  EXPECT_EQ(judge_part({V::ambiguous, V::same}, false, 0.05), Finish::passed);
  EXPECT_EQ(judge_part({V::ambiguous, V::slower}, false, 0.05), Finish::failed);
  EXPECT_EQ(judge_part({V::slower, V::slower}, true, 0.05), Finish::passed);
  EXPECT_EQ(judge_part({V::slower, V::ambiguous}, true, 0.05), Finish::failed);
}

}  // namespace
}  // namespace vidattn
