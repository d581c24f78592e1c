#include <gtest/gtest.h>

#include "harness/io/json_file.h"
#include "harness/tables/cluster/clusters.h"
#include "harness/tables/cluster/projection.h"
#include "harness/tables/project/devices.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;

TEST(Clusters, EveryLinkHasASource) {
  for (const char* name : {"h100x64", "A100x8", "b200x16"}) {
    const Cluster cluster = parse_cluster(name);
    EXPECT_TRUE(cluster.source.starts_with("https://")) << name;
    EXPECT_EQ(choose_devices(cluster.device, known_devices()).size(), 1);
    EXPECT_GT(cluster.links.node.bandwidth, cluster.links.network.bandwidth);
  }
  EXPECT_EQ(parse_cluster("h100x64").devices, 64);
}

TEST(Clusters, OthersAreRefused) {
  expect_input_error([] { parse_cluster("h100"); }, "2 to 4096 devices");
  expect_input_error([] { parse_cluster("h100x1"); }, "2 to 4096 devices");
  expect_input_error([] { parse_cluster("h100x6a"); }, "2 to 4096 devices");
  expect_input_error([] { parse_cluster("h10x64"); }, "h100");
}

TEST(ClusterProjection, DensityIsHeldOverTheTokens) {
  const Inputs in = random_inputs(64, 4, 8);
  const Plan plan = one_branch({.tables = {full_table(64, 64)}});
  const ClusterPlan on = cluster_plan(plan, in, 4);
  ASSERT_EQ(on.work.size(), 3);  // 4x1, 2x2, 1x4
  const PlanOnOne one{CallSize::of(in, 2), {1e12, 1}};
  const DevicePeaks peaks{1e12, 1e12};
  const ClusterLinks links{8, {1e15, 0}, {1e15, 0}, 0};
  const ClusterTimes own = cluster_times(on, one, peaks, links, 64);
  const ClusterTimes longer = cluster_times(on, one, peaks, links, 640);
  EXPECT_DOUBLE_EQ(own.on_one, 1);
  EXPECT_DOUBLE_EQ(longer.on_one, 100);
  for (const ClusterTime& time : longer.by_grid) EXPECT_NEAR(time.seconds(), 25, 1e-6);
}

TEST(ProjectCommand, AClusterHasItsTimesInEveryFormat) {
  const TemporaryFolder folder;
  const std::string path = (folder / "p").string();
  const ToolResult result = run_tool(
      "project --quiet --grid 4,8,8 --heads 4 --dim 16 --backend moga --cluster h100x8 --tokens "
      "1000,10000000 --ranks 2,8 --out " +
      path + ".json --out " + path + ".csv");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("at 10000000 tokens on 8 NVIDIA H100"), std::string::npos);
  EXPECT_NE(result.out.find("Ulysses P=8: 8 ranks share 4 heads"), std::string::npos);
  const nlohmann::json json = read_json(path + ".json");
  ASSERT_EQ(json["plans"].size(), 2);
  const nlohmann::json& moga = json["plans"][1];
  EXPECT_EQ(moga["ranks"].size(), 2);
  ASSERT_EQ(moga["on_cluster"].size(), 2);
  EXPECT_EQ(moga["on_cluster"][1]["ways"].size(), 3);  // 4x2, 2x4, 1x8
  EXPECT_EQ(json["cluster"]["devices"], 8);
  EXPECT_NE(testing::read_bytes(path + ".csv").find("cluster,full,h100x8,1x8 at 1000 tokens"),
            std::string::npos);
}

TEST(ProjectCommand, AClusterThatCannotBeIsRefusedBeforeWork) {
  expect_refused("project --grid 4,8,8 --backend moga --cluster h100x3x", "2 to 4096 devices");
  expect_refused("project --grid 4,8,8 --backend moga --tokens 1000", "--cluster");
  expect_refused("project --grid 4,8,8 --backend moga --cluster h100x8 --tokens 4 --quiet",
                 "--tokens 4: fewer than the 8 devices");
  expect_refused("project --grid 1,2,2 --backend moga --cluster h100x8 --quiet",
                 "tokens of the workload, 4: fewer than the 8 devices");
  expect_refused("project --grid 1,2,2 --backend moga --cluster h100x8 --tokens 4000 --quiet",
                 "8 ranks share 4 queries");
  expect_refused("project --grid 4,8,8 --backend moga --out p.svg", ".json");
}

}  // namespace
}  // namespace vidattn
