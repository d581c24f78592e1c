// Denoising runs over which methods keep their state, by the whole tool.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/io/npy.h"
#include "harness/store/run_file.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::read_bytes;
using testing::TemporaryFolder;

const std::string kRun =
    "run --quiet --repeat 1 --grid 3,8,8 --heads 1 --dim 32 --backend full --backend "
    "ditfastattn:cache_interval=4 ";

class StepsRun : public ::testing::Test {
 protected:
  json record(const std::string& arguments) const {
    const std::string path = (folder_ / "r.json").string();
    const ToolResult result = run_tool(arguments + " --out " + path);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(read_bytes(path));
  }
  TemporaryFolder folder_;
};

std::vector<const json*> steps_of(const json& record, const std::string& backend) {
  std::vector<const json*> found;
  for (const json& c : record["cases"])
    if (c["backend"].get<std::string>().starts_with(backend)) found.push_back(&c);
  return found;
}

double value_of(const json& c, const char* tag) { return c["metrics"][tag]["value"].get<double>(); }

TEST_F(StepsRun, AMethodHasWhatItKeptOfTheStepBefore) {
  const json run = record(kRun + "--workload steps:4");
  const auto steps = steps_of(run, "ditfastattn");
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_DOUBLE_EQ(value_of(*steps[0], "density"), 1) << "the cache step";
  for (size_t step = 1; step < 4; ++step) {
    EXPECT_LT(value_of(*steps[step], "density"), 1) << step;
    EXPECT_GT(value_of(*steps[step], "state_memory"), 0) << step;
  }
  const json alone = record(kRun + "--workload steps:4 --step 1");
  const auto same = steps_of(alone, "ditfastattn");
  EXPECT_LT(value_of(*same[0], "cosine"), value_of(*steps[1], "cosine"))
      << "without the residual of step 0";
  EXPECT_NE((*same[0])["key"], (*steps[1])["key"]) << "alone it is another case";
  EXPECT_FALSE(alone.contains("over_steps"));
  ASSERT_EQ(run["over_steps"].size(), 2U);
  EXPECT_EQ(run["over_steps"][1]["parts"].size(), 3U);
  const std::string command = (*steps[1])["command"];
  EXPECT_EQ(command.find("--step "), std::string::npos) << "the whole run: " << command;
}

TEST_F(StepsRun, ADensityIsSetOnceForTheRun) {
  const json run =
      record(kRun + "--workload steps:4 --backend svg2:num_q_centroids=4 --density 0.5");
  const auto steps = steps_of(run, "svg2");
  ASSERT_EQ(steps.size(), 4U);
  for (const json* step : steps) EXPECT_EQ((*step)["setting"], (*steps[0])["setting"]);
}

TEST_F(StepsRun, ALearningMethodsDensityIsThatOfTheMiddleStep) {
  const json run = record(
      "run --quiet --repeat 1 --grid 3,8,8 --heads 1 --dim 32 --backend full --backend "
      "lite:tile_q=8,tile_k=8 --density 0.6 --workload steps:4");
  const auto steps = steps_of(run, "lite");
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(value_of(*steps[0], "density"), 1) << "which has learned nothing";
  EXPECT_NEAR(value_of(*steps[2], "density"), 0.6, 0.02 * 0.6);
  EXPECT_LE(value_of(*steps[3], "density"), value_of(*steps[2], "density"));
}

/// Before any step, not at each of them, and before a density is searched.
TEST_F(StepsRun, AMaskThatFitsNoStepIsRefusedBeforeAnyWork) {
  const std::string mask = (folder_ / "map.npy").string(), out = (folder_ / "r.json").string();
  const std::string run =
      "--workload steps:3 --out " + out + " --backend map:" + mask + ",block_q=";
  write_npy(mask, Array{{3, 2}, std::vector<uint8_t>{1, 1, 1, 0, 1, 1}});
  for (const char* density : {"", " --density 0.5"})
    expect_refused(kRun + run + "100" + density,
                   "map: the mask has 3 query blocks, block_q=100 of 192 tokens makes 2");
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(steps_of(record(kRun + "--workload steps:3 --backend map:" + mask), "map").size(), 3U);
}

TEST_F(StepsRun, CarryingNeedsARun) {
  EXPECT_EQ(run_tool(kRun + "--carry --workload film").exit_code, 3);
}

}  // namespace
}  // namespace vidattn
