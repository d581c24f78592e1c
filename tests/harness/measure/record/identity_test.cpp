#include "harness/measure/record/identity.h"

#include <gtest/gtest.h>

#include "harness/measure/record/workload_facts.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

CaseIdentity moga() {
  return {"tensors:/a --grid 3,4,5", "moga", "cpu", "f32", 0.25, false, {{"q", "1"}, {"k", "2"}}};
}

TEST(Identity, KeysTellEverythingThatIsKnownBefore) {
  CaseIdentity id = moga();
  EXPECT_EQ(case_key(id), "moga on cpu f32 at density 0.25, tensors:/a --grid 3,4,5");
  id.cold = true;
  id.density.reset();
  EXPECT_EQ(case_key(id), "moga on cpu f32, cold, tensors:/a --grid 3,4,5");
  id.pass = Pass::backward;
  EXPECT_EQ(case_key(id), "moga on cpu f32, cold, backward, tensors:/a --grid 3,4,5");
}

TEST(Identity, TheSameDumpInAnotherFolderIsTheSameCase) {
  CaseIdentity moved = moga();
  moved.workload = "tensors:/b --grid 3,4,5";
  EXPECT_TRUE(same_case(moga(), moved));
  moved.content["k"] = "3";
  EXPECT_FALSE(same_case(moga(), moved));
  CaseIdentity replaced = moga();  // another dump in the old folder
  replaced.content["q"] = "4";
  EXPECT_FALSE(same_case(moga(), replaced));
}

TEST(Identity, WithoutContentTheDescriptionDecides) {
  CaseIdentity unmeasured = moga();
  unmeasured.content.clear();
  EXPECT_TRUE(same_case(moga(), unmeasured));
  unmeasured.workload = "tensors:/b --grid 3,4,5";
  EXPECT_FALSE(same_case(moga(), unmeasured));
}

TEST(Identity, WhatOnlyOneKnowsOfTheContentDoesNotPartThem) {
  CaseIdentity more = moga();
  more.content["router_logits"] = "5";
  EXPECT_TRUE(same_case(moga(), more));
}

TEST(Identity, MethodDeviceTypeDensityAndCacheCount) {
  for (auto change :
       {+[](CaseIdentity& c) { c.backend = "stga"; },
        +[](CaseIdentity& c) { c.device = "reference"; },
        +[](CaseIdentity& c) { c.dtype = "bf16"; }, +[](CaseIdentity& c) { c.density = 0.5; },
        +[](CaseIdentity& c) { c.density.reset(); }, +[](CaseIdentity& c) { c.cold = true; },
        +[](CaseIdentity& c) { c.pass = Pass::both; }}) {
    CaseIdentity other = moga();
    change(other);
    EXPECT_FALSE(same_case(moga(), other)) << case_key(other);
  }
}

TEST(Identity, ContentIsWhatTheMethodReads) {
  Workload workload{"tensors:x", random_video(3, 4, 5, 1, 8), {}};
  workload.inputs.extra["hidden"] = random_array({60, 4}, 5);
  const WorkloadFacts facts = workload_facts(workload);
  const auto full = content_for(facts, find_backend("full"), {}),
             routed = content_for(facts, find_backend("moga"), {});
  EXPECT_EQ(full.size(), 5U);  // q, k, v, their scale, and where the tokens stand
  EXPECT_EQ(routed.count("hidden"), 1U);
  EXPECT_EQ(full.at("geometry"), "3x4x5, shots 0, text 0");
  workload.inputs.extra["hidden"] = random_array({60, 4}, 6);
  const WorkloadFacts other = workload_facts(workload);
  EXPECT_EQ(content_for(other, find_backend("full"), {}), full);
  EXPECT_NE(content_for(other, find_backend("moga"), {}), routed);
  EXPECT_TRUE(workload_facts(workload, false).sha256.empty());
}

}  // namespace
}  // namespace vidattn
