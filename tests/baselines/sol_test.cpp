#include <gtest/gtest.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/terms/joined.h"
#include "tests/support/block_maps.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn::sol_test {
namespace {

Plan sol(const Inputs& in, const Settings& settings) {
  return planned(find_backend("sol"), in, settings);
}

TEST(Sol, EverythingExactIsFullAttention) {
  const Inputs in = random_inputs(75, 2, 16);
  const Plan plan = sol(in, {{"block", "16"}, {"tau", "-1000"}});
  const Backend& full = find_backend("full");
  const Output want = run_on("cpu", full.plan(in, full.defaults()), in);
  EXPECT_LT(relative_l2(run_on("cpu", plan, in).o, want.o), 1e-6);
  EXPECT_EQ(plan.branches[1].pairs(0, 2), 0);
}

/// With nothing but the own block exact: every weight by hand.
TEST(Sol, OtherBlocksWeighAsTheirCentroidTimesTheirSize) {
  const Inputs in = random_inputs(11, 1, 8);  // blocks of 4, 4 and 3
  const Plan plan = sol(in, {{"block", "4"}, {"tau", "1000"}, {"band", "0"}});
  const Output out = run_on("reference", plan, in);
  const std::vector<float> lse = joined_lse(plan, out, 0);
  for (int64_t i = 0; i < 11; ++i) {
    double sum = 0, o = 0;
    for (int64_t b = 0; b < 3; ++b) {
      const int64_t begin = 4 * b, end = std::min<int64_t>(11, begin + 4);
      double mean_dot = 0, mean_value = 0;
      for (int64_t j = begin; j < end; ++j) {
        double dot = 0;
        for (int64_t c = 0; c < 8; ++c) dot += double{in.q->at(i, 0, c)} * in.k->at(j, 0, c);
        mean_dot += dot / static_cast<double>(end - begin);
        mean_value += in.v->at(j, 0, 5) / static_cast<double>(end - begin);
        if (i / 4 != b) continue;
        sum += std::exp(dot / std::sqrt(8));
        o += std::exp(dot / std::sqrt(8)) * in.v->at(j, 0, 5);
      }
      if (i / 4 == b) continue;
      const double weight = static_cast<double>(end - begin) * std::exp(mean_dot / std::sqrt(8));
      sum += weight;
      o += weight * mean_value;
    }
    EXPECT_NEAR(out.o.at(i, 0, 5), o / sum, 1e-5);
    EXPECT_NEAR(lse[i], std::log(sum), 1e-5);
  }
}

TEST(Sol, AwkwardLengthsAndText) {
  for (const int64_t length : {1, 15, 17}) {
    const Inputs in = random_inputs(length, 2, 16);
    for (const char* mode : {"sink", "separate", "none"}) {
      const Plan plan = sol(in, {{"block", "8"}, {"text_mode", mode}});
      EXPECT_LT(relative_l2(run_on("cpu", plan, in).o, run_on("reference", plan, in).o), 2e-6);
    }
  }
  Inputs in = random_inputs(3 * 5 * 7 + 9, 2, 16);
  in.grid = {.frames = 3, .height = 5, .width = 7, .text_tokens = 9};
  for (const char* mode : {"sink", "separate", "none"})
    for (const char* place : {"prefix", "suffix"})
      for (const char* order : {"raster", "morton"}) {
        const Plan plan = sol(in, {{"block", "8"},
                                   {"text_mode", mode},
                                   {"text_place", place},
                                   {"token_order", order},
                                   {"dense_sink_queries", "true"}});
        EXPECT_LT(relative_l2(run_on("cpu", plan, in).o, run_on("reference", plan, in).o), 2e-6);
      }
}

TEST(Sol, TextIsSeenByAllAndDenseQueriesSeeAll) {
  Inputs in = random_inputs(64 + 8, 1, 16);
  in.grid = {.frames = 4, .height = 4, .width = 4, .text_tokens = 8};
  const Plan sink = sol(in, {{"block", "8"}, {"tau", "1000"}, {"dense_sink_queries", "true"}});
  const HeadTable& exact = sink.branches[0].tables[0];
  // Blocks 0 and 7 of the video see 3 blocks, those between 4; text is block 8.
  EXPECT_EQ(exact.pairs(), (3 + 6 * 4 + 3) * 8 * 8 + 8 * 72);
}

TEST(Sol, NothingIsGatheredWhereBlocksCutTheTokensAsTheyLie) {
  Inputs in = random_inputs(64, 1, 16);
  EXPECT_EQ(sol(in, {}).branches[0].tables[0].key_order, nullptr);
  in.grid.frames = in.grid.height = in.grid.width = 4;
  in.grid.shots = {0};
  EXPECT_EQ(sol(in, {}).branches[0].tables[0].key_order, nullptr);
  EXPECT_NE(sol(in, {{"token_order", "morton"}}).branches[0].tables[0].key_order, nullptr);
}

TEST(Sol, RefusesTextThatIsNotThere) {
  const Inputs in = random_inputs(20, 1, 16);
  EXPECT_THROW(sol(in, {{"text_length", "20"}}), InputError);
  EXPECT_THROW(sol(in, {{"token_order", "morton"}}), InputError);
}

TEST(Sol, RefusesASinkBehindTheTokens) {
  const Inputs in = random_inputs(20, 1, 16);
  EXPECT_THROW(sol(in, {{"sink_start", "20"}, {"sink_tokens", "1"}}), InputError);
  EXPECT_NO_THROW(sol(in, {{"sink_start", "19"}, {"sink_tokens", "9"}}));
}

}  // namespace
}  // namespace vidattn::sol_test
