#include "attention/reference.h"

#include <gtest/gtest.h>

#include "attention/backend.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

Output run_reference(const Plan& plan, const Inputs& in) {
  Output out;
  find_device("reference").run(plan, in, out);
  return out;
}

TEST(Reference, OneKeyReturnsItsValue) {
  const Inputs in = random_inputs(1, 2, 8);
  const Backend& full = find_backend("full");
  const Output out = run_reference(full.plan(in, full.defaults()), in);
  EXPECT_LT(relative_l2(out.o, *in.v), 1e-7);
}

TEST(Reference, LseOfEqualScoresIsLogOfTheKeyCount) {
  Inputs in = random_inputs(17, 1, 8);
  in.q = std::make_shared<const Tensor>(17, 1, 8);
  const Backend& full = find_backend("full");
  const Output out = run_reference(full.plan(in, full.defaults()), in);
  for (float lse : out.lse[0]) EXPECT_FLOAT_EQ(lse, std::log(17.0F));
}

TEST(Reference, RowsWithoutKeysGiveZeroAndMinusInfinity) {
  const Inputs in = random_inputs(4, 1, 8);
  Plan plan;
  plan.branches.push_back({.name = "none", .tables = {HeadTable{}}});
  plan.branches[0].tables[0].add(0, 2, {});
  plan.validate(in);
  const Output out = run_reference(plan, in);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(out.o.at(i, 0, 3), 0.0F);
    EXPECT_EQ(out.lse[0][i], -INFINITY);
  }
}

TEST(Reference, EveryBranchOfEveryBackendSumsToOne) {
  Inputs in = random_video(5, 3, 4, 2, 16);
  in.grid.shots = {0, 2};
  in.extra["router_logits"] = random_array({60, 5}, 7);
  for (const char* name : {"full", "moga", "stga", "frame", "moga_stga"}) {
    const Backend& backend = find_backend(name);
    const Plan plan = backend.plan(in, backend.defaults());
    plan.validate(in);
    const ReferenceRows rows = reference_rows(plan, in, {});
    for (const auto& branch : rows.mass)
      for (double mass : branch) EXPECT_NEAR(mass, 1.0, 1e-12) << name;
  }
}

TEST(Reference, ChosenRowsEqualTheWholeRun) {
  const Inputs in = random_video(3, 2, 5, 2, 8);
  const Backend& frame = find_backend("frame");
  const Plan plan = frame.plan(in, frame.defaults());
  const ReferenceRows all = reference_rows(plan, in, {}), some = reference_rows(plan, in, {7, 29});
  for (int64_t c = 0; c < 16; ++c) {
    EXPECT_EQ(some.o[c], all.o[7 * 16 + c]);
    EXPECT_EQ(some.o[16 + c], all.o[29 * 16 + c]);
  }
}

TEST(Reference, RepeatedQueriesAttendToTheUnionOfTheirSegments) {
  const Inputs in = random_inputs(10, 1, 8);
  HeadTable split;
  std::vector<int32_t> order(20);
  for (int i = 0; i < 20; ++i) order[i] = i % 10;
  split.query_order = make_order(order);
  split.add(0, 10, {{0, 4}});
  split.add(10, 20, {{4, 10}});
  Plan plan;
  plan.branches.push_back({.name = "split", .tables = {split}, .repeats_queries = true});
  plan.validate(in);
  const Backend& full = find_backend("full");
  const Output whole = run_reference(full.plan(in, full.defaults()), in);
  EXPECT_LT(relative_l2(run_reference(plan, in).o, whole.o), 1e-7);
}

}  // namespace
}  // namespace vidattn
