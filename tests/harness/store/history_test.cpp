// The same measurement meets itself in the store, however it was made.
#include "harness/store/history.h"

#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

class History : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void run(const std::string& arguments) const {
    const ToolResult result = run_tool("run --quiet --db " + path("v.db") + " " + arguments);
    ASSERT_TRUE(ran_right(result)) << result.err;
  }
  Measurement last(const std::string& backend) const {
    const StoredRun run = Store(path("v.db")).load_run("latest");
    for (const Measurement& m : run.cases)
      if (m.identity.backend == backend) return m;
    throw std::runtime_error("no case of " + backend);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(History, ARunAndASuiteMeet) {
  write_json(path("s.json"),
             {{"name", "small"},
              {"workloads", {{{"grid", {3, 4, 5}}, {"heads", 1}, {"dim", 16}}}},
              {"backends", {"moga"}},
              {"densities", {0.5}},
              {"timing", {{"seconds", 0.1}, {"min_blocks", 6}, {"interval", 0.5}}}});
  run(path("s.json"));
  const Measurement suite = last("moga");
  run("--grid 3,4,5 --heads 1 --dim 16 --repeat 6 --density 0.5 --backend full --backend moga");
  const Measurement main_job = last("moga");
  EXPECT_EQ(main_job.identity.density, 0.5) << "what was asked for, not what the knob gave";
  EXPECT_NE(main_job.setting, "moga");
  EXPECT_EQ(main_job.setting, suite.setting);
  EXPECT_EQ(main_job.key(), suite.key());
  EXPECT_EQ(main_job.identity.content, suite.identity.content);
  const auto series = find_series(Store(path("v.db")), {.match = "moga", .metric = "density"});
  ASSERT_EQ(series.size(), 1U);
  EXPECT_EQ(series[0].points.size(), 2U);
}

TEST_F(History, ADumpThatHasMovedMeetsItself) {
  for (const char* name : {"a", "b", "c"}) {
    std::filesystem::create_directories(folder_ / name);
    const Inputs in = random_video(3, 4, 5, 1, 16, name[0] == 'c' ? 2 : 1);
    write_npy(folder_ / name / "q.npy", *in.q);
    write_npy(folder_ / name / "k.npy", *in.k);
    write_npy(folder_ / name / "v.npy", *in.v);
    run("--workload tensors:" + path(name) + " --grid 3,4,5 --repeat 1 --backend stga");
  }
  const auto series = find_series(Store(path("v.db")), {.metric = "density"});
  ASSERT_EQ(series.size(), 2U) << "c holds other tensors";
  EXPECT_EQ(series[0].points.size() + series[1].points.size(), 3U);
}

TEST_F(History, WhatStandsTwiceOnTheLineIsMeasuredOnce) {
  for (const char* twice :
       {"--backend stga --backend stga", "--backend stga --device cpu --device cpu",
        "--backend stga --dtype f32 --dtype f32", "--backend stga --density 0.5,0.5"}) {
    const ToolResult result = run_tool("run --quiet --workload film --grid 2,2,2 --repeat 1 --db " +
                                       path("v.db") + " " + twice);
    EXPECT_LE(result.exit_code, 2) << twice;
    EXPECT_NE(result.err.find("stands there twice and is measured once"), std::string::npos)
        << result.err;
    EXPECT_EQ(Store(path("v.db")).load_run("latest").cases.size(), 1U) << twice;
  }
}

TEST_F(History, AMisspeltMetricIsExplained) {
  run("--workload film --grid 2,2,2 --repeat 1 --backend stga");
  expect_refused("history --db " + path("v.db") + " --metric desnity", "did you mean density?");
}

std::vector<StoredRun> runs_of(const std::vector<double>& ratios) {
  std::vector<StoredRun> runs;
  for (const double ratio : ratios) {
    StoredRun& run = runs.emplace_back(testing::stored_run());
    run.id = static_cast<int64_t>(runs.size());
    run.cases = {testing::stored_case("one")};
    run.cases[0].values["ratio"].value = ratio;
  }
  return runs;
}

TEST_F(History, FifteenRunsShowThatEightOfThemAreDoubled) {
  const auto series = find_series(
      runs_of({1, 1.02, .99, 1.01, .98, 1, 1.03, 2, 2.03, 1.97, 2.01, 1.99, 2, 2.05, 1.96}), {});
  ASSERT_EQ(series.at(0).changes.size(), 1U);
  EXPECT_EQ(series[0].changes[0].index, 7);
  EXPECT_EQ(series[0].blind_spot(), "");
}

TEST_F(History, FewRunsSayThatTheyCannotTell) {
  const auto series = find_series(runs_of({1, 1, 1, 1, 2, 2, 2, 2}), {});
  EXPECT_TRUE(series.at(0).changes.empty());
  EXPECT_NE(series[0].blind_spot().find("before 10"), std::string::npos) << series[0].blind_spot();
}

TEST_F(History, AnExactFigureShowsItsFirstJump) {
  std::vector<StoredRun> runs = runs_of({1, 1, 1, 1});
  for (const size_t i : {2, 3}) runs[i].cases[0].values["density"].value = 0.26;
  const auto series = find_series(runs, {.metric = "density"});
  ASSERT_EQ(series.at(0).changes.size(), 1U);
  EXPECT_EQ(series[0].changes[0].index, 2);
  EXPECT_EQ(series[0].blind_spot(), "");
}

TEST_F(History, MeasurementsThatRepeatARunsAreNoRuns) {
  std::vector<StoredRun> runs = runs_of({1, 1, 1});
  runs[1].suite += kAgain;
  EXPECT_EQ(find_series(runs, {}).at(0).points.size(), 2U);
  EXPECT_EQ(find_series(runs, {.suite = runs[1].suite}).at(0).points.size(), 1U);
}

TEST_F(History, SeriesNameTheInputsThatPartThem) {
  Store store(path("v.db"), Store::Mode::write);
  for (const char* q : {"111111111111aa", "222222222222bb"}) {
    StoredRun run = testing::stored_run();
    run.cases = {testing::stored_case("one")};
    run.cases[0].identity.content["q"] = q;
    store.add_run(run);
  }
  EXPECT_EQ(find_series(store, {}).size(), 2U);
  const ToolResult printed = run_tool("history --db " + path("v.db"));
  EXPECT_NE(printed.out.find("q 111111111111,"), std::string::npos) << printed.out;
}

}  // namespace
}  // namespace vidattn
