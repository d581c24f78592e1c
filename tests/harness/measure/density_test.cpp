#include "harness/measure/density.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/error.h"
#include "metrics/plan/stats.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

TEST(Density, ATrainedRouterKeepsItsGroups) {
  Inputs in = random_video(6, 8, 8, 1, 16);
  in.extra["router_logits"] = random_array({in.length(), 3}, 5);
  const DensitySolution moga = solve_density(parse_backend("moga:num_groups=3"), in, 0.1);
  EXPECT_EQ(moga.spec.text(), "moga:num_groups=3");
  EXPECT_NEAR(moga.density, 1.0 / 3, 0.1);
  EXPECT_NE(moga.note.find("missed the target"), std::string::npos) << moga.note;
  const DensitySolution both = solve_density(parse_backend("moga_stga:num_groups=3"), in, 0.45);
  EXPECT_NE(both.spec.text().find("hs="), std::string::npos) << both.spec.text();
  EXPECT_NEAR(both.density, 0.45, 0.15);
}

TEST(Density, FindsTheGroupCountOfATarget) {
  Inputs in = random_inputs(2000, 1, 8);
  in.extra["hidden"] = random_array({2000, 8}, 5);
  for (double target : {0.5, 0.25, 0.1}) {
    const DensitySolution found = solve_density(parse_backend("moga"), in, target);
    EXPECT_NEAR(found.density, target, 0.25 * target) << found.note;
    EXPECT_TRUE(found.spec.params.given("num_groups"));
  }
}

TEST(Density, FindsTheNearestCountOfAKnobThatStartsAtZero) {
  const Inputs in = random_video(5, 17, 23, 1, 8);
  for (double target : {0.25, 0.3, 0.4, 0.5})
    EXPECT_NEAR(solve_density(parse_backend("bigbird"), in, target).density, target, 0.02);
}

/// Causal MoBA's densest setting is nearly at 0.5, and so is one below it, but nearer.
TEST(Density, OfWholeNumbersTheNearestIsTaken) {
  const Inputs in = random_inputs(1000, 1, 8);
  double nearest = 1, densest = 0;
  for (int topk = 1; topk <= 32; ++topk) {
    const BackendSpec spec = parse_backend("moba:chunk_size=32,topk=" + std::to_string(topk));
    densest = plan_stats(spec.backend->plan(in, spec.params), in).density;
    if (std::abs(densest - 0.5) < std::abs(nearest - 0.5)) nearest = densest;
  }
  EXPECT_LT(nearest, densest);
  EXPECT_EQ(solve_density(parse_backend("moba:chunk_size=32"), in, 0.5).density, nearest);
}

TEST(Density, ResolvesAThresholdJustBelowOne) {
  // Sharp attention: nearly all of the mass is on few keys, whatever else is kept.
  Inputs in = random_video(4, 16, 16, 1, 16);
  auto q = std::make_shared<Tensor>(1024, 1, 16);
  for (int64_t i = 0; i < 1024; ++i)
    for (int64_t c = 0; c < 16; ++c) q->row(i, 0)[c] = 4 * in.q->row(i, 0)[c];
  in.q = q;
  const DensitySolution found = solve_density(parse_backend("svg2"), in, 0.3);
  EXPECT_NEAR(found.density, 0.3, 0.03) << found.note;
}

TEST(Density, TakesTheNearestEndWhenTheTargetIsOutOfReach) {
  const Inputs in = random_video(6, 4, 4, 1, 8);
  const DensitySolution found = solve_density(parse_backend("stga:hs=2"), in, 0.9);
  EXPECT_DOUBLE_EQ(found.density, 0.25);  // 2x2 windows over the whole shot
}

TEST(Density, OtherWindowsOrBlocksReachWhatOneKnobCannot) {
  const Inputs in = random_video(10, 20, 26, 1, 16);
  for (const char* backend : {"stga", "radial", "moba:causal=false", "bigbird"}) {
    const double coarse = solve_density(parse_backend(backend), in, 0.5).density;
    EXPECT_NEAR(coarse, 0.5, 0.01) << backend;
  }
}

TEST(Density, OfATargetThatIsMissedTheNearestAreNamed) {
  const Inputs in = random_video(6, 4, 4, 1, 8);
  const std::string alone = solve_density(parse_backend("stga:hs=2"), in, 0.9).note;
  EXPECT_TRUE(alone.ends_with("missed: nearest below 0.25, above none")) << alone;
  const DensitySolution between =
      solve_density(parse_backend("vmoba:select_mode=topk,chunk_kind=temporal,chunk_size=2"),
                    random_video(10, 4, 4, 1, 8), 0.51);
  EXPECT_TRUE(between.note.ends_with("missed: nearest below 0.4, above 0.6")) << between.note;
}

TEST(Density, TheKnobIsTheOneThatTheModeReads) {
  const Inputs in = random_video(10, 8, 8, 1, 8);
  const DensitySolution topk = solve_density(parse_backend("vmoba:select_mode=topk"), in, 0.4);
  EXPECT_NEAR(topk.density, 0.4, 1e-6) << topk.note;
  EXPECT_TRUE(topk.spec.params.given("topk"));
  EXPECT_FALSE(topk.spec.params.given("threshold"));
  const DensitySolution fixed = solve_density(parse_backend("sta:windows=1,1,1"), in, 0.9);
  EXPECT_EQ(fixed.spec.text(), "sta:windows=1,1,1");
  EXPECT_NE(fixed.note.find("missed the target 0.9"), std::string::npos) << fixed.note;
}

TEST(Density, WhereOneKnobIsCoarseAnotherOneHelps) {
  const Inputs in = random_video(10, 20, 26, 1, 8);
  for (const char* backend : {"sta", "vmoba", "vmoba:select_mode=topk", "nsa"})
    for (double target : {0.15, 0.35, 0.55}) {
      const DensitySolution found = solve_density(parse_backend(backend), in, target);
      EXPECT_FALSE(missed_density(found.density, target)) << found.note;
    }
  const DensitySolution own = solve_density(parse_backend("moc"), in, 0.19);
  EXPECT_NEAR(own.density, 0.19, 1e-6) << own.note;  // in place of the one shot, so of everything
}

/// The run's density is that after the steps before, with what they taught.
TEST(Density, OfAMethodThatLearnsItIsThatOfALaterStep) {
  const Inputs in = random_video(4, 8, 8, 1, 16);
  const BackendSpec lite = parse_backend("lite:tile_q=8,tile_k=8");
  const DensitySolution found = solve_density(lite, in, 0.5, {in, in});
  EXPECT_FALSE(missed_density(found.density, 0.5)) << found.note;
  StepCache kept;
  Inputs step = in;
  step.context.cache = &kept;
  double density = 0;
  for (int i = 0; i < 3; ++i)
    density = plan_stats(lite.backend->plan(step, found.spec.params), step).density;
  EXPECT_DOUBLE_EQ(density, found.density);
  const DensitySolution alone = solve_density(lite, in, 0.5);
  EXPECT_EQ(alone.density, 1);
  EXPECT_EQ(alone.spec.text(), lite.text());
  EXPECT_TRUE(alone.note.starts_with("lite leaves out what earlier steps")) << alone.note;
}

TEST(Density, ASecondKnobLeavesWhatWasGiven) {
  const Inputs in = random_video(10, 8, 8, 1, 8);
  const DensitySolution found = solve_density(parse_backend("moc:own=shot"), in, 0.19);
  EXPECT_EQ(found.density, 1);
  EXPECT_TRUE(found.note.ends_with("missed: nearest below none, above 1")) << found.note;
}

TEST(BackendSpec, NumbersAreShownWithFourDigits) {
  EXPECT_EQ(short_setting("vmoba:threshold=0.42881234,topk=123456,scope=block"),
            "vmoba:threshold=0.4288,topk=123456,scope=block");
  EXPECT_EQ(short_setting("moba:cu_seqlens=0,3.14159,1e-07"), "moba:cu_seqlens=0,3.142,1e-07");
  EXPECT_EQ(short_setting("full"), "full");
}

TEST(BackendSpec, ADefaultThatIsSpelledOutMakesNoOtherCase) {
  const BackendSpec spelled = parse_backend("vsa:sparsity=0.9,topk=3");
  EXPECT_EQ(spelled.text(), "vsa:sparsity=0.9,topk=3");
  EXPECT_EQ(spelled.essence(), "vsa:topk=3");
  EXPECT_EQ(parse_backend("stga:shots=").essence(), "stga");
  for (const char* text : {"vsa:sparsity=0.9", "svg:sparsity=0.30", "svg2:num_q_centroids=300"})
    EXPECT_EQ(parse_backend(text).essence(), parse_backend(text).backend->name()) << text;
}

TEST(Density, WhatMissesByMoreThanTwoPercentIsNamedWithItsRange) {
  MissedDensities missed;
  missed.add("near", 0.509, 0.5);
  EXPECT_EQ(missed.note(), "");
  missed.add("far", 0.6, 0.5);
  missed.add("below", 0.4, 0.5);
  missed.add("far", 0.7, 0.5);
  missed.add("nothing asked for", 0.7, NAN);
  EXPECT_EQ(
      missed.note(),
      "The knob comes no nearer to the density than this: far has 0.6000 to 0.7000, below has "
      "0.4000.");
}

TEST(Density, LeavesAMethodWithoutAKnobAsItIs) {
  const DensitySolution found = solve_density(parse_backend("full"), random_inputs(9, 1, 8), 0.3);
  EXPECT_DOUBLE_EQ(found.density, 1);
  EXPECT_NE(found.note.find("no density knob"), std::string::npos);
}

TEST(Density, ASearchForSeveralTargetsFindsWhatSingleOnesFind) {
  const Inputs in = random_video(5, 17, 23, 1, 8);
  for (const char* backend : {"svg2:num_q_centroids=20,num_k_centroids=40", "bigbird"}) {
    DensitySearch search(parse_backend(backend), in);
    for (double target : {0.3, 0.6, 0.3}) {
      const DensitySolution together = search.solve(target);
      const DensitySolution alone = solve_density(parse_backend(backend), in, target);
      EXPECT_EQ(together.spec.text(), alone.spec.text());
      EXPECT_EQ(together.density, alone.density);
    }
  }
}

TEST(Density, ParsesListsAndRanges) {
  EXPECT_EQ(parse_densities("0.25"), (std::vector<double>{0.25}));
  EXPECT_EQ(parse_densities("0.1,0.5").size(), 2U);
  EXPECT_EQ(parse_densities("0.1:0.5:0.05").size(), 9U);
  for (const char* bad : {"", "x", "0", "-0.1", "1.5", "0.1:0.5", "0.1:0.5:0", "0.1:0.5:1e-6",
                          "0.1:2:0.1", "0.5:0.1:0.1", "nan"})
    EXPECT_THROW(parse_densities(bad), InputError) << bad;
}

}  // namespace
}  // namespace vidattn
