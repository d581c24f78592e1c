#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/cpu/scores.h"
#include "harness/io/json_file.h"
#include "harness/measure/bench/dtypes.h"
#include "harness/measure/bench/shapes.h"
#include "metrics/statistics/statistics.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

TEST(BenchDtypes, TheCheckOfScoresFindsWrongOnes) {
  for (const DType dtype : {DType::bf16, DType::int8}) {
    const BenchLine line{"full", 70, 1, 64, dtype};
    const Inputs in = bench_inputs(line);
    const Plan plan = bench_plan(line);
    cpu::ScoreRun run(plan, in);
    run.run();
    std::vector<float> largest = run.largest();
    EXPECT_LT(largest_scores_error(in, largest), 1e-6) << to_string(dtype);
    for (float& score : largest) score *= 1.001F;
    EXPECT_GT(largest_scores_error(in, largest), 9e-4);
    const Inputs other = bench_inputs({"full", 70, 1, 64, DType::fp8});
    EXPECT_GT(largest_scores_error(other, run.largest()), 1e-3);  // those of another type
  }
}

TEST(BenchDtypes, TheRecordHasTheGainOverTheFirst) {
  const testing::TemporaryFolder folder;
  const std::string out = (folder / "b.json").string();
  const ToolResult result =
      run_tool("bench --quick --seconds 0 --dtype int8 --dtype bf16 --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("times int8's speed"), std::string::npos);
  const nlohmann::json record = read_json(out);
  std::vector<std::string> rows;
  std::vector<double> first;  // seconds of the first type's blocks
  for (const nlohmann::json& side : record["dtypes"]) {
    rows.push_back(side["work"].get<std::string>() + " " + side["dtype"].get<std::string>());
    EXPECT_GT(side["gflops"], 0);
    EXPECT_GE(side["seconds"].size(), 6U);
    const auto seconds = side["seconds"].get<std::vector<double>>();
    ASSERT_EQ(side.contains("times_faster"), side["dtype"] == "bf16");
    if (!side.contains("times_faster")) {
      first = seconds;
      continue;
    }
    ASSERT_EQ(seconds.size(), first.size());
    std::vector<double> logs;
    for (size_t i = 0; i < seconds.size(); ++i) logs.push_back(std::log(first[i] / seconds[i]));
    EXPECT_NEAR(side["times_faster"]["value"].get<double>(), std::exp(median(logs)), 1e-9);
    EXPECT_LE(side["times_faster"]["low"], side["times_faster"]["value"]);
    EXPECT_LE(side["times_faster"]["value"], side["times_faster"]["high"]);
  }
  EXPECT_EQ(rows,
            (std::vector<std::string>{"scores int8", "scores bf16", "full int8", "full bf16"}));
}

TEST(BenchDtypes, RefusesWhatHasNothingToCompare) {
  for (const char* dtypes : {"--dtype int8", "--dtype int8 --dtype int8", "--dtype int4"}) {
    const ToolResult result = run_tool(std::string("bench ") + dtypes);
    EXPECT_EQ(result.exit_code, 3) << dtypes;
    EXPECT_EQ(result.out, "") << dtypes;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace vidattn
