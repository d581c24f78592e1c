#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"
#include "tests/support/refusal.h"

/// What every method says of the shapes that it takes, held against what it does.
namespace vidattn::shapes_test {
namespace {

void expect_right(const Backend& backend, const Inputs& in) {
  const Plan plan = backend.plan(in, backend.defaults());
  plan.validate(in);
  Output got, want;
  find_device("cpu").run(plan, in, got);
  find_device("reference").run(plan, in, want);
  EXPECT_LE(relative_l2(got.o, want.o), 2e-6);
  EXPECT_EQ(got.o.dim(), in.v->dim());
}

TEST(MethodShapes, CrossAttentionIsTakenOrRefusedInOneLine) {
  Generator random{1};
  Inputs in = random_cross(300, 70, 2, 1, 16, 16, random);
  in.extra["pair_mask"] = std::make_shared<const Array>(
      Array{{300, 70}, std::vector<uint8_t>(size_t{300} * 70, 1)});  // of map
  int taken = 0;
  for (const Backend* backend : backends()) {
    SCOPED_TRACE(backend->name());
    if (backend->info().takes_cross) {
      ++taken;
      expect_right(*backend, in);
    } else if (!backend->info().needs_grid) {
      EXPECT_EQ(refusal(*backend, in), backend->name() +
                                           " needs as many keys as queries: these are 300 queries "
                                           "and 70 keys");
    }
  }
  // full, lite, map, oracle_block, oracle_token, random_block, skip_softmax, sparge, svg2
  EXPECT_EQ(taken, 9);
}

TEST(MethodShapes, ValuesOfAnotherWidth) {
  Inputs in = random_video(4, 8, 8, 2, 16);
  in.device = &find_device("cpu");
  int taken = 0, refused = 0;
  for (const Backend* backend : backends()) {
    SCOPED_TRACE(backend->name());
    Inputs same = in;
    backend->prepare(same, backend->defaults());
    if (!refusal(*backend, same).empty()) continue;  // wants another grid, or inputs
    Inputs wide = same;
    wide.v = random_tensor(in.length(), 2, 40, 5);
    if (backend->info().takes_width) {
      ++taken;
      expect_right(*backend, wide);
    } else {
      ++refused;
      EXPECT_EQ(
          refusal(*backend, wide),
          backend->name() + " needs values as wide as the keys: these have 40 and 16 channels");
    }
  }
  EXPECT_GE(taken, 10);
  EXPECT_GE(refused, 1);
}

TEST(MethodShapes, Svg2ClustersTheKeysOfCrossAttention) {
  Generator random{2};
  Inputs in = random_cross(2 * 8 * 8, 70, 1, 1, 16, 16, random);
  in.grid = {.frames = 2, .height = 8, .width = 8};
  in.explain = true;
  const Backend& svg2 = find_backend("svg2");
  Params params = svg2.defaults();
  params.set("num_q_centroids", "4");
  params.set("num_k_centroids", "5");
  const Plan plan = svg2.plan(in, params);
  EXPECT_EQ(plan.explained.at("q_labels").shape, (std::vector<int64_t>{1, 128}));
  EXPECT_EQ(plan.explained.at("k_labels").shape, (std::vector<int64_t>{1, 70}));
  in.grid = {.frames = 1, .height = 8, .width = 8, .text_tokens = 64};
  EXPECT_EQ(refusal(svg2, in),
            "svg2 takes text tokens only where the keys are the queries' tokens");
}

}  // namespace
}  // namespace vidattn::shapes_test
