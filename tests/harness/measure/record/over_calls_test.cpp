#include "harness/measure/record/over_calls.h"

#include <gtest/gtest.h>

#include "metrics/statistics/paired_difference.h"

namespace vidattn {
namespace {

/// A case of a call, with two heads.
Measurement case_of_call(const std::string& backend, CallFacts call, double recall, double other,
                         double ratio) {
  Measurement m;
  m.identity = {"tensors:c --layer " + std::to_string(call.layer) + call.prompt, backend, "cpu",
                "f32", 0.25};
  m.setting = backend + ":window=3";
  m.per_head = {{recall, other}, {1 - recall, 1 - other}, {recall, other}, {0, 0}};
  m.plan.density_per_head = {0.25, 0.25};
  m.values["recall_mean"] = {"1", (recall + other) / 2};
  m.values["density"] = {"1", 0.25};
  m.values["ratio"] = {"1", ratio};
  m.values["fed_ratio_low"] = {"1", 1};
  m.workload.emplace().call = std::move(call);
  return m;
}

CallFacts layer(int64_t number, const std::string& prompt = "") {
  return {number, 5, -1, 8, prompt, "a"};
}

TEST(OverCalls, MeansAndTheWorstHead) {
  std::vector<Measurement> cases{case_of_call("sta", layer(0), 0.9, 0.7, 0.5),
                                 case_of_call("full", layer(0), 1, 1, 1),
                                 case_of_call("sta", layer(3), 0.2, 0.8, 0.125)};
  cases.push_back(case_of_call("sta", layer(4), 0.1, 0.1, 9));
  cases.back().outcome = Outcome::failed;
  ASSERT_TRUE(of_several_calls(cases));
  const std::vector<OverCalls> all = over_calls(cases);
  ASSERT_EQ(all.size(), 2U);
  const OverCalls& sta = all[0];
  EXPECT_EQ(sta.mean.setting, "sta");
  EXPECT_EQ(sta.calls, 3);
  EXPECT_EQ(sta.passed, 2);
  EXPECT_DOUBLE_EQ(sta.mean.metric("recall_mean"), (0.8 + 0.5) / 2);
  EXPECT_FALSE(sta.mean.values.contains("fed_ratio_low"));
  EXPECT_DOUBLE_EQ(sta.worst.at("recall").value, 0.2);
  EXPECT_EQ(sta.worst.at("recall").place(), "layer 3, step 5, head 8");
  EXPECT_DOUBLE_EQ(sta.worst.at("relative_l2").value, 0.8);
  EXPECT_NEAR(sta.mean.metric("speedup"), 4, 1e-12) << "the geometric mean of 2 and 8";
  EXPECT_FALSE(sta.by_prompt);
  ASSERT_EQ(sta.lowest.size(), 3U);
  EXPECT_EQ(sta.lowest[0].layer, 3);
  EXPECT_EQ(sta.lowest[0].head, 8);
  EXPECT_EQ(sta.lowest[1].head, 9);
  EXPECT_TRUE(all[1].lowest.empty()) << "full attention loses nothing";
}

TEST(OverCalls, HeadsHaveTheModelsNumbers) {
  CallFacts some = layer(0);
  some.heads = {3, 20};
  const OverCalls over = over_calls({case_of_call("sta", some, 0.9, 0.7, 1)})[0];
  EXPECT_EQ(over.worst.at("recall").head, 20);
  EXPECT_EQ(over.lowest[1].head, 3);
}

TEST(OverCalls, AHeadIsTheMeanOverItsCalls) {
  CallFacts later = layer(0);
  later.step = 6;
  const auto all = over_calls(
      {case_of_call("sta", layer(0), 0.9, 0.5, 1), case_of_call("sta", later, 0.1, 0.7, 1)});
  ASSERT_EQ(all[0].lowest.size(), 2U);
  EXPECT_EQ(all[0].lowest[0].head, 8);
  EXPECT_DOUBLE_EQ(all[0].lowest[0].recall, 0.5);
  EXPECT_EQ(all[0].lowest[0].calls, 2);
  EXPECT_DOUBLE_EQ(all[0].lowest[1].recall, 0.6);
}

/// Two attentions of a layer, in every step's file, and the figures of the heads.
TEST(OverCalls, CallsOfOneLayerAndStepAreToldByTheirSource) {
  std::vector<Measurement> cases;
  for (const int64_t step : {5, 6})
    for (const std::string name : {"attn1", "attn2"}) {
      CallFacts call = layer(1);
      call.step = step;
      call.source = "step" + std::to_string(step) + ".safetensors#blocks.1." + name + ".";
      cases.push_back(case_of_call("sta", call, name == "attn1" ? 0.9 : 0.1, 0.8, 1));
    }
  cases[1].per_head.recall[0] = 0;
  const OverCalls over = over_calls(cases).at(0);
  EXPECT_EQ(over.worst.at("recall").place(),
            "layer 1, step 5, step5.safetensors#blocks.1.attn2., head 8");
  ASSERT_EQ(over.lowest.size(), 3U);
  EXPECT_EQ(over.lowest[0].part, "blocks.1.attn2.");
  EXPECT_EQ(over.lowest[0].calls, 2) << "both steps";
  EXPECT_DOUBLE_EQ(over.lowest[0].recall, 0.05);
  cases = {cases[0], cases[0]};
  cases[0].workload->call->source = "b_step5";
  cases[1].workload->call->source = "a_step5";
  EXPECT_EQ(over_calls(cases).at(0).lowest[0].part, "a_step*");
  cases[0].workload->call->prompt = "another";
  EXPECT_EQ(over_calls(cases).at(0).lowest[0].part, "") << "prompts tell them";
  EXPECT_EQ(over_calls(cases).at(0).lowest[0].calls, 2);
}

TEST(OverCalls, PromptsAreTheClustersOfTheInterval) {
  const std::vector<double> ratios{0.5, 0.4, 0.25, 0.2};
  std::vector<Measurement> cases;
  for (size_t i = 0; i < ratios.size(); ++i)
    cases.push_back(
        case_of_call("sta", layer(static_cast<int64_t>(i), i < 2 ? "a" : "b"), 1, 1, ratios[i]));
  const OverCalls by_prompt = over_calls(cases).at(0);
  const double a = std::log(0.5 * 0.4) / 2, b = std::log(0.25 * 0.2) / 2;
  const MeanInterval expected = mean_interval({a, b});
  EXPECT_TRUE(by_prompt.by_prompt);
  EXPECT_EQ(by_prompt.clusters, 2);
  EXPECT_NEAR(by_prompt.mean.metric("ratio_low"), std::exp(expected.mean - expected.half_width),
              1e-12);
  for (Measurement& m : cases) m.workload->call->prompt = "a";
  const OverCalls by_call = over_calls(cases).at(0);
  EXPECT_EQ(by_call.clusters, 4);
  EXPECT_LT(by_call.mean.metric("ratio_high") / by_call.mean.metric("ratio_low"),
            by_prompt.mean.metric("ratio_high") / by_prompt.mean.metric("ratio_low"));
  cases.resize(1);
  EXPECT_FALSE(of_several_calls(cases));
  EXPECT_TRUE(std::isnan(over_calls(cases).at(0).mean.metric("ratio_low")));
}

TEST(OverCalls, MissedDensitiesAreCounted) {
  std::vector<Measurement> cases{case_of_call("sta", layer(0), 1, 1, 1),
                                 case_of_call("sta", layer(1), 1, 1, 1)};
  cases[1].values["density"].value = 0.3;
  EXPECT_EQ(over_calls(cases).at(0).missed, 1);
  EXPECT_EQ(over_calls(cases).at(0).mean.note, "1 of 2 calls missed the density");
  EXPECT_DOUBLE_EQ(over_calls(cases).at(0).mean.metric("density"), 0.275);
  cases[1].identity.density = 0.3;
  EXPECT_EQ(over_calls(cases).size(), 2U) << "another density is another row";
}

TEST(OverCalls, UndefinedFiguresOfHeadsAreLeftOut) {
  Measurement m = case_of_call("sta", layer(0), NAN, 0.5, 1);
  const OverCalls over = over_calls({m}).at(0);
  EXPECT_DOUBLE_EQ(over.worst.at("recall").value, 0.5);
  EXPECT_EQ(over.lowest.size(), 1U);
}

}  // namespace
}  // namespace vidattn
