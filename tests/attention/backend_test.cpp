#include "attention/backend.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "tests/support/inputs.h"
#include "tests/support/refusal.h"

namespace vidattn {
namespace {

struct DiagonalParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t width = integer("width", 1, "Tokens of a block.", "-", 1);
  int64_t blocks = integer("blocks", 0, "Blocks, for checking only.");
};

/// Tokens attend in blocks of `width`; says everything that the frame applies.
class Diagonal : public Method<DiagonalParams> {
 public:
  std::string name() const override { return "diagonal"; }
  BackendInfo describe() const override {
    return {.title = "for tests",
            .needs_grid = true,
            .takes_text = false,
            .takes_width = false,
            .warm_up = DenseWarmUp{.steps = 2, .source = "test"}};
  }
  Plan make_plan(const Inputs& in, const DiagonalParams& p) const override {
    const auto width = static_cast<int32_t>(p.width), length = static_cast<int32_t>(in.length());
    HeadTable table;
    for (int32_t i = 0; i < length; i += width) table.add(i, i + width, {{i, i + width}});
    Plan plan;
    plan.branches.push_back({.name = "diagonal", .tables = {std::move(table)}});
    return plan;
  }
  Facts facts(const Inputs&, const DiagonalParams&, const Plan& plan) const override {
    return {{"blocks", static_cast<int64_t>(plan.branches[0].tables[0].segments.size())}};
  }
  void prepare_search(Inputs& in, const DiagonalParams&) const override {
    in.extra["searched"] = random_array({1}, 1);
  }
};

TEST(Backend, RefusesWhatTheMethodSaysItDoesNotTake) {
  const Diagonal diagonal;
  EXPECT_EQ(refusal(diagonal, random_inputs(8, 1, 8)),
            "diagonal needs the video grid: give frames, height and width in tokens");
  Inputs in = random_video(2, 2, 2, 1, 8);
  EXPECT_EQ(refusal(diagonal, in), "");
  in.k = in.v = random_tensor(5, 1, 8, 3);
  EXPECT_EQ(refusal(diagonal, in),
            "diagonal needs as many keys as queries: these are 8 queries and 5 keys");
  in = random_video(2, 2, 2, 1, 8);
  in.v = random_tensor(8, 1, 16, 3);
  EXPECT_EQ(refusal(diagonal, in),
            "diagonal needs values as wide as the keys: these have 16 and 8 channels");
}

TEST(Backend, WarmUpAddsItsParametersAndMakesFirstStepsDense) {
  const Diagonal diagonal;
  std::string names;
  for (const ParamSpec& spec : diagonal.info().params) names += spec.name + " ";
  EXPECT_EQ(names, "width blocks dense_steps dense_layers dense_step_share dense_layer_share ");
  Inputs in = random_video(2, 2, 2, 1, 8);
  Params params = diagonal.defaults();
  params.set("width", "2");
  const auto pairs = [&](int64_t step) {
    in.context = {.layer = 0, .layers = 1, .step = step, .steps = 8};
    return diagonal.plan(in, params).branches[0].pairs(0, 1);
  };
  EXPECT_EQ(pairs(1), 8 * 8);
  EXPECT_EQ(pairs(2), 8 * 2);
  params.set("dense_steps", "3");
  EXPECT_EQ(pairs(2), 8 * 8);
  EXPECT_DOUBLE_EQ(diagonal.run_density(params, 0.25, 8, 1), 3.0 / 8 + 5.0 / 8 * 0.25);
}

TEST(Backend, HoldsAPlanAgainstParametersThatSayWhatItMustBe) {
  const Diagonal diagonal;
  const Inputs in = random_video(2, 2, 2, 1, 8);
  const Backend& backend = diagonal;
  Params params = backend.defaults();
  params.set("width", "4");
  params.set("blocks", "2");
  EXPECT_NO_THROW(backend.plan(in, params));
  params.set("blocks", "3");
  EXPECT_THROW(backend.plan(in, params), InputError);
}

TEST(Backend, ADenseCallIsNotPreparedForASearch) {
  const Diagonal diagonal;
  Inputs in = random_video(2, 2, 2, 1, 8);
  in.context = {.layer = 0, .layers = 1, .step = 0, .steps = 8};
  const Backend& backend = diagonal;
  backend.prepare_search(in, diagonal.defaults());
  EXPECT_EQ(in.find("searched"), nullptr);
  in.context.step = 2;
  backend.prepare_search(in, diagonal.defaults());
  EXPECT_NE(in.find("searched"), nullptr);
}

TEST(Backend, FullPlanKeepsPaddingApart) {
  const Inputs in = random_inputs(10, 1, 8);
  EXPECT_EQ(full_plan(in).branches[0].pairs(0, 1), 100);
  EXPECT_EQ(full_plan(in, 4).branches[0].pairs(0, 1), 36 + 16);
}

}  // namespace
}  // namespace vidattn
