#include "harness/measure/cases/kinds.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "harness/io/json_file.h"
#include "harness/measure/density.h"
#include "harness/measure/record/case_metrics.h"
#include "harness/measure/timing.h"
#include "harness/measure/verify.h"
#include "harness/store/measurement_json.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// Full attention and others, checked.
std::vector<Case> checked_cases(const std::vector<std::string>& backends, const Inputs& in,
                                DType dtype = DType::f32, Pass pass = Pass::forward) {
  std::vector<Case> cases{make_case("full", "cpu", dtype, inputs_in(in, dtype))};
  for (const std::string& backend : backends)
    cases.push_back(make_case(backend, "cpu", dtype, inputs_in(in, dtype)));
  set_pass(cases, pass);
  std::vector<Dense> dense;
  for (Case& c : cases) check_case(c, dense);
  return cases;
}

const std::vector<std::string> kVmoba = {"vmoba", "vmoba:chunk_kind=spatial", "vmoba:chunk_kind=st",
                                         "vmoba:chunk_kind=temporal"};

/// The whole is the mean of three cases that were each measured alone.
void expect_means(const std::vector<Case>& cases) {
  const Case& mean = cases[1];
  ASSERT_TRUE(mean.passed()) << mean.result.reason;
  ASSERT_EQ(mean.kinds.size(), 3U);
  const auto expect_mean = [&](const char* what, const std::function<double(const Case&)>& of) {
    const double expected = (of(cases[2]) + of(cases[3]) + of(cases[4])) / 3;
    EXPECT_NEAR(of(mean), expected, 1e-12 * (1 + expected)) << what;
  };
  expect_mean("density", [](const Case& c) { return c.stats.density; });
  expect_mean("flops", [](const Case& c) { return c.stats.flops; });
  expect_mean("run flops", [](const Case& c) { return c.stats.run_flops; });
  expect_mean("head", [](const Case& c) { return c.result.plan.density_per_head.at(1); });
  for (const char* tag : {"density", "sparsity", "attention_flops", "tile_density_64x64",
                          "recall_mean", "recall_p5", "relative_l2", "cosine", "recall_of_tokens"})
    expect_mean(tag, [tag](const Case& c) { return c.result.metric(tag); });
  for (size_t i = 0; i < 3; ++i) {
    const KindFacts& kind = mean.result.kinds.at(i);
    EXPECT_EQ(kind.plan.checksum, cases[2 + i].result.plan.checksum) << kind.name;
    EXPECT_EQ(kind.values.at("relative_l2").value, cases[2 + i].result.metric("relative_l2"));
  }
  EXPECT_DOUBLE_EQ(mean.result.metric("theoretical_speedup"), 1 / mean.stats.density);
  const double in_run = mean.result.metric("run_density");
  expect_mean("in run",
              [&](const Case& c) { return &c == &mean ? in_run : c.result.metric("run_density"); });
}

TEST(LayerKindCases, AreCheckedAndFoldedIntoMeans) {
  for (const Inputs& in :
       {random_video(5, 7, 9, 2, 32), random_video(1, 1, 15, 2, 16), random_video(17, 3, 2, 2, 16)})
    for (const DType dtype : {DType::f32, DType::bf16, DType::int8}) {
      auto cases = checked_cases(kVmoba, in, dtype);
      add_metrics(cases, {});
      for (Case& c : cases) c.result.outcome = Outcome::passed;  // untimed
      SCOPED_TRACE(to_string(dtype) + " " + std::to_string(in.length()));
      expect_means(cases);
    }
}

TEST(LayerKindCases, NamesAndNotesTellThemApart) {
  const auto cases = checked_cases({"vmoba"}, random_video(5, 7, 9, 1, 16));
  std::set<std::string> names;
  for (const Case& kind : cases[1].kinds) names.insert(kind_name(kind));
  EXPECT_EQ(names,
            (std::set<std::string>{"chunk_kind=spatial", "chunk_kind=st", "chunk_kind=temporal"}));
  EXPECT_EQ(cases[1].result.note.rfind("vmoba: mean of 3 kinds of layers, of densities ", 0), 0U)
      << cases[1].result.note;
  std::set<std::string> checksums{cases[1].result.plan.checksum};
  for (const Case& kind : cases[1].kinds) checksums.insert(kind.result.plan.checksum);
  EXPECT_EQ(checksums.size(), 4U);
  EXPECT_EQ(cases[1].result.plan.checksum.size(), 16U);
}

TEST(LayerKindCases, ACaseFailsWhereOneKindDoes) {
  const auto cases = checked_cases({"vmoba:ragged=false"}, random_video(4, 6, 7, 1, 16));
  EXPECT_EQ(cases[1].result.outcome, Outcome::skipped);
  EXPECT_EQ(
      cases[1].result.reason.rfind("chunk_kind=spatial: vmoba: the spatial chunk does not", 0), 0U)
      << cases[1].result.reason;
}

TEST(LayerKindCases, ACallOfAKnownLayerIsOfItsKindAlone) {
  Inputs in = random_video(5, 7, 9, 1, 16);
  in.context = {.layer = 1, .layers = 30};
  const auto cases = checked_cases({"vmoba", "vmoba:chunk_kind=spatial"}, in);
  EXPECT_TRUE(cases[1].kinds.empty());
  EXPECT_EQ(cases[1].result.plan.checksum, cases[2].result.plan.checksum);
}

TEST(LayerKindCases, BlocksHoldTheMeanTimeOfTheKinds) {
  auto cases = checked_cases({"vmoba"}, random_video(4, 8, 8, 2, 32), DType::f32, Pass::both);
  TimingOptions options;
  options.min_blocks = options.max_blocks = 6;
  options.seconds = 1e-3;  // one round a block: its times are those of its only run
  time_blocks({&cases[1]}, cases[0], options);
  add_metrics(cases, {});
  const Case& c = cases[1];
  ASSERT_EQ(c.run_seconds.size(), 6U);
  for (size_t b = 0; b < 6; ++b) {
    double plan = 0, run = 0, backward = 0;
    for (const Case& kind : c.kinds) {
      plan += kind.plan_seconds.at(b) / 3;
      run += kind.run_seconds.at(b) / 3;
      backward += kind.backward_seconds.at(b) / 3;
    }
    EXPECT_NEAR(c.plan_seconds[b], plan, 1e-9);
    EXPECT_NEAR(c.run_seconds[b], run, 1e-9);
    EXPECT_NEAR(c.backward_seconds[b], backward, 1e-9);
    EXPECT_GT(backward, 0);
  }
  const Measurement& m = c.result;
  EXPECT_NEAR(m.metric("realised_share"), m.metric("speedup") * m.metric("density"), 1e-12);
  EXPECT_GT(m.kinds.at(2).values.at("total_time").value, 0);
  EXPECT_FALSE(m.kinds[2].values.contains("speedup")) << "kinds have no control";
}

TEST(LayerKindCases, StandInTheRecord) {
  auto cases = checked_cases({"vmoba"}, random_video(5, 7, 9, 1, 16));
  add_metrics(cases, {});
  const nlohmann::json record = details_json(cases[1].result);
  Measurement read;
  read_details(JsonReader(record), read);
  ASSERT_EQ(read.kinds.size(), 3U);
  EXPECT_EQ(read.kinds[1].name, "chunk_kind=st");
  EXPECT_EQ(read.kinds[1].layer, 2);
  EXPECT_EQ(details_json(read)["layer_kinds"], record["layer_kinds"]);
}

TEST(LayerKindCases, AnAskedDensityIsThatOfTheMean) {
  Case c = make_case("vmoba", "cpu", DType::f32, random_video(10, 20, 26, 1, 8));
  for (const double target : {0.05, 0.15, 0.35, 0.6}) {
    Case solved = c;
    set_density(solved, target);
    std::vector<Dense> dense;
    check_case(solved, dense);
    EXPECT_FALSE(missed_density(solved.stats.density, target))
        << solved.result.note << solved.stats.density;
  }
}

}  // namespace
}  // namespace vidattn
