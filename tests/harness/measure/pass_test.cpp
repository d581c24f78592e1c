#include <gtest/gtest.h>

#include <cmath>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "harness/measure/pass_timing.h"
#include "harness/measure/record/case_metrics.h"
#include "harness/measure/timing.h"
#include "harness/measure/verify.h"
#include "harness/store/measurement_json.h"
#include "metrics/statistics/statistics.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// Full attention and a method, checked and timed.
std::vector<Case> timed_cases(Pass pass, const char* backend, const char* device = "cpu") {
  const Inputs in = random_video(3, 8, 8, 2, 32);
  std::vector<Case> cases{make_case("full", device, DType::f32, in),
                          make_case(backend, device, DType::f32, in)};
  set_pass(cases, pass);
  std::vector<Dense> dense;
  for (Case& c : cases) check_case(c, dense);
  if (!cases[1].passed()) return cases;
  TimingOptions options;
  options.min_blocks = options.max_blocks = 6;
  time_blocks({&cases[1]}, cases[0], options);
  add_metrics(cases, {});
  return cases;
}

TEST(Pass, EachTimesItsPart) {
  for (const Pass pass : {Pass::forward, Pass::backward, Pass::both}) {
    const auto cases = timed_cases(pass, "stga");
    const Measurement& m = cases[1].result;
    ASSERT_TRUE(m.timed()) << m.reason;  // a busy machine may make it mistrusted
    for (const Block& b : m.blocks) {
      EXPECT_EQ(b.plan_seconds > 0, times_forward(pass));
      EXPECT_EQ(b.run_seconds > 0, times_forward(pass));
      EXPECT_EQ(b.backward_seconds > 0, times_backward(pass));
      EXPECT_DOUBLE_EQ(b.seconds(), b.plan_seconds + b.run_seconds + b.backward_seconds);
    }
    EXPECT_EQ(m.values.contains("run_time"), times_forward(pass));
    EXPECT_EQ(m.values.contains("backward_time"), times_backward(pass));
    EXPECT_EQ(m.values.contains("gradient_error"), times_backward(pass));
    EXPECT_EQ(m.values.contains("forward_speedup"), pass == Pass::both);
    const double flops = (times_forward(pass) ? 4 : 0) + (times_backward(pass) ? 10 : 0);
    EXPECT_NEAR(timed_flops(cases[1].stats, pass),
                flops * 32 * static_cast<double>(cases[1].stats.pairs), 1);
  }
}

TEST(Pass, SpeedupsOfBothPartsFrameThatOfTheSum) {
  const auto cases = timed_cases(Pass::both, "stga");
  const Measurement& m = cases[1].result;
  const double forward = m.metric("forward_speedup"), backward = m.metric("backward_speedup");
  ASSERT_TRUE(std::isfinite(forward) && std::isfinite(backward));
  std::vector<double> ratios;
  for (size_t i = 0; i < m.blocks.size(); ++i)
    ratios.push_back(cases[0].result.blocks[i].backward_seconds / m.blocks[i].backward_seconds);
  EXPECT_EQ(backward, median(ratios));
}

TEST(Pass, StandsInKeysAndRecords) {
  const auto cases = timed_cases(Pass::both, "stga");
  Measurement m = cases[1].result;
  m.identity.workload = "w";
  EXPECT_NE(m.key().find(", both"), std::string::npos);
  const Measurement read = measurement_from_json(JsonReader(to_json(m)));
  EXPECT_EQ(read.identity.pass, Pass::both);
  ASSERT_EQ(read.blocks.size(), m.blocks.size());
  EXPECT_EQ(read.blocks[0].backward_seconds, m.blocks[0].backward_seconds);
  CaseIdentity forward = m.identity;
  forward.pass = Pass::forward;
  EXPECT_FALSE(same_case(forward, m.identity));
}

TEST(PassTool, RunsAreComparedAndTabled) {
  const testing::TemporaryFolder folder;
  const std::string out = (folder / "r.json").string(), db = (folder / "s.db").string();
  const ToolResult result = run_tool(
      "run --quiet --grid 3,5,6 --heads 2 --dim 32 --repeat 2 --backend full --backend "
      "stga --pass both --out " +
      out + " --db " + db);
  ASSERT_TRUE(ran_right(result)) << result.err;
  for (const char* column : {"backward ms", "forward speedup", "backward speedup"})
    EXPECT_NE(result.out.find(column), std::string::npos) << result.out;
  const nlohmann::json record = read_json(out);
  for (const nlohmann::json& c : record["cases"]) {
    EXPECT_EQ(c["pass"], "both");
    EXPECT_GT(c["blocks"][0]["backward_seconds"], 0);
    EXPECT_NE(c["command"].get<std::string>().find("--pass both"), std::string::npos);
  }
  EXPECT_EQ(run_tool("compare " + out + " run:1 --db " + db).exit_code % 2, 0);
  const ToolResult forward = run_tool("run --quiet --grid 3,5,6 --heads 1 --dim 32 --repeat 1");
  EXPECT_EQ(forward.out.find("backward"), std::string::npos) << "no column without figures";
}

TEST(PassTool, RefusesBeforeAnyWork) {
  expect_refused("run --pass sideways", "forward, backward or both");
  expect_refused("run --pass both --dtype int8", "no backward pass in int8");
  expect_refused("run --pass both --workload steps:3 --grid 3,4,5", "denoising run");
  expect_refused("table 12 --measure --pass backward", "take both");
  expect_refused("table 11 --pass both", "--measure");
  expect_refused("bench --pass both --dtype f32 --dtype bf16", "forward pass");
  expect_refused("compare full stga --pass both --dtype fp8", "no backward pass in fp8");
}

TEST(PassTool, BenchMeasuresItToo) {
  const testing::TemporaryFolder folder;
  const std::string out = (folder / "b.json").string();
  ASSERT_EQ(run_tool("bench --quick --seconds 0 --pass backward --out " + out).exit_code, 0);
  const nlohmann::json record = read_json(out);
  ASSERT_EQ(record["lines"].size(), 3U);
  for (const nlohmann::json& line : record["lines"]) {
    EXPECT_EQ(line["pass"], "backward");
    EXPECT_LT(line["gradient_error"], 2.5e-2);
    EXPECT_GT(line["gflops"], 0);
    EXPECT_EQ(line["bound"], "FMA + exp2") << "its operands are few enough for every cache";
    EXPECT_GT(line["share_of_limit"], 0);
    EXPECT_LT(line["share_of_limit"], line["limits"]["exp2_gops"]);
  }
}

}  // namespace
}  // namespace vidattn
