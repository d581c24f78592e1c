#include "harness/report/calls.h"

#include <gtest/gtest.h>

#include "harness/report/report.h"
#include "tests/harness/report/cases.h"

namespace vidattn {
namespace {

using nlohmann::json;
using vidattn::testing::run_of;

/// A case of the call of a layer and step, with two heads from head 4 on.
Measurement case_of_call(const std::string& backend, int64_t layer, int64_t step,
                         const std::vector<double>& recall) {
  Measurement m = vidattn::testing::case_of(backend, 2, 0.1, {0.5, 0.5});
  m.setting = backend == "full" ? backend : backend + ":window=" + std::to_string(layer);
  m.identity.workload = "tensors:c --layer " + std::to_string(layer);
  m.identity.density = backend == "full" ? std::nullopt : std::optional(0.5);
  m.values["density_target"] = {"1", 0.5};
  m.values["ratio"] = {"1", 0.5};
  m.per_head = {recall, {0.1, 0.1}, {1, 1}, {0, 0}};
  m.plan.density_per_head = {0.4, 0.6};
  m.plan.stages = {{"scores", 0.25 * static_cast<double>(layer)}};
  m.workload.emplace().name = "tensors:c";
  m.workload->call = CallFacts{layer, step, -1, 4, "", "c"};
  return m;
}

TEST(ReportCalls, ChartsHaveMeansAndHeatMapsTheCalls) {
  std::vector<Measurement> cases;
  for (const int64_t layer : {0, 2})
    for (const int64_t step : {5, 9}) {
      cases.push_back(case_of_call("full", layer, step, {1, 1}));
      cases.push_back(case_of_call("sta", layer, step, {0.1 * static_cast<double>(step), NAN}));
    }
  Measurement missed = case_of_call("sta", 7, 5, {0, 0});
  missed.values["density"] = {"1", 0.9};
  cases.push_back(missed);
  const json data = report_data({run_of(cases)}, {});
  ASSERT_EQ(data["cases"].size(), 2U);
  EXPECT_EQ(data["panels"].size(), 1U);
  const json& sta = data["cases"][1];
  EXPECT_EQ(sta["label"], "sta at 0.5, mean of 5 calls, of which 1 missed the density");
  EXPECT_EQ(sta["heads"], (json{0.4, 0.6}));
  EXPECT_NEAR(sta["recalls"][0].get<double>(), (0.5 + 0.9 + 0.5 + 0.9) / 5, 1e-4);
  EXPECT_TRUE(sta["recalls"][1].is_null());
  EXPECT_DOUBLE_EQ(sta["ratio"]["ratio"].get<double>(), 0.5);
  EXPECT_EQ(data["call_groups"], json::array({{{"name", "sta at density 0.5"}, {"missed", 1}}}));
  EXPECT_TRUE(sta["missed"].get<bool>()) << "one of its calls is not at the density";
  ASSERT_EQ(data["calls"].size(), 4U) << "neither full attention nor what missed";
  const json& last = data["calls"][3];
  EXPECT_EQ(last["group"], 0);
  EXPECT_EQ(last["layer"], 2);
  EXPECT_EQ(last["step"], 9);
  EXPECT_EQ(last["heads"], (json{4, 5}));
  EXPECT_EQ(last["recall"], (json{0.9, nullptr}));
}

TEST(ReportCalls, HeadsHaveTheModelsNumbers) {
  Measurement a = case_of_call("sta", 0, 5, {0.5, 0.25}),
              b = case_of_call("sta", 2, 5, {0.5, 0.25});
  a.workload->call->heads = {0, 9};
  b.workload->call->heads = {0, 8};
  const json data = report_data({run_of({a, b})}, {});
  EXPECT_EQ(data["calls"][0]["heads"], (json{0, 9}));
  EXPECT_EQ(data["cases"][0]["recalls"], json::array()) << "no mean of different heads";
}

TEST(ReportCalls, ARunOfOneCallIsShownAsItIs) {
  const StoredRun run = run_of({case_of_call("sta", 2, 5, {0.5, 0.5})});
  EXPECT_EQ(mean_over_calls(run).run.cases[0].setting, "sta:window=2");
  EXPECT_EQ(report_data({run}, {})["calls"].size(), 1U);
}

}  // namespace
}  // namespace vidattn
