#include "harness/tables/project/project.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "harness/tables/project/print.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;
using testing::write_bytes;

std::vector<std::string> names_of(const std::vector<ProjectedDevice>& devices) {
  std::vector<std::string> names;
  for (const ProjectedDevice& device : devices) names.push_back(device.name);
  return names;
}

TEST(ProjectDevices, EveryNumberHasASource) {
  const auto devices = known_devices();
  ASSERT_GE(devices.size(), 4U);
  for (const ProjectedDevice& device : devices) {
    SCOPED_TRACE(device.name);
    EXPECT_TRUE(device.source.starts_with("https://"));
    EXPECT_FALSE(device.seen.empty() && device.note.empty());
    EXPECT_GT(device.peaks.flops, 1e14);
    EXPECT_LT(device.peaks.flops, 1e16);
    EXPECT_GT(device.peaks.bandwidth, 1e11);
    EXPECT_LT(device.peaks.bandwidth, 1e14);
  }
}

TEST(ProjectDevices, AreChosenByNameInTheirOrder) {
  const auto known = known_devices();
  EXPECT_EQ(names_of(choose_devices("a100,H100,A100", known)),
            (std::vector<std::string>{"A100", "H100"}));
  EXPECT_EQ(choose_devices("", known).size(), known.size());
  expect_input_error([&] { choose_devices("H10", known); }, "did you mean H100?");
  expect_input_error([&] { choose_devices("H100,", known); }, "no device");
}

TEST(ProjectDevices, OwnOnesGoBeforeOurs) {
  const TemporaryFolder folder;
  const std::string file = folder / "mine.json";
  write_bytes(file, R"({"devices": [{"name": "H100", "tflops": 800, "bandwidth_gbs": 2000,
                        "source": "measured here"}]})");
  const auto chosen = choose_devices("h100", known_devices(file));
  EXPECT_EQ(chosen[0].peaks.flops, 8e14);
  EXPECT_EQ(chosen[0].source, "measured here");
  for (const char* wrong :
       {R"({"devices": [{"name": "X", "tflops": 0, "bandwidth_gbs": 1, "source": "s"}]})",
        R"({"devices": [{"name": "X", "tflops": 1, "bandwidth_gbs": 1}]})",
        R"({"devices": [{"name": "X", "tflops": 1, "bandwidth_gbs": 1, "source": ""}]})",
        R"({"devices": [{"name": "X,Y", "tflops": 1, "bandwidth_gbs": 1, "source": "s"}]})",
        R"({"devices": [{"name": "X", "tflop": 1, "bandwidth_gbs": 1, "source": "s"}]})"}) {
    write_bytes(file, wrong);
    expect_input_error([&] { known_devices(file); }, "mine.json");
  }
}

TEST(ProjectWork, OfASmallPlanByHand) {
  // Two tiles of queries, two of keys; the second tile of queries sees one key of the first.
  const Inputs in = random_inputs(100, 1, 8);
  HeadTable table;
  table.add(0, 64, {{0, 100}});
  table.add(64, 100, {{3, 4}});
  const Plan plan = one_branch({.tables = {table}});
  const PlanWork work = plan_work(plan, in, {64, 64});
  EXPECT_EQ(work.tiles[0].touched, 3);
  EXPECT_DOUBLE_EQ(work.tiles[0].density(), 3.0 / 4);
  EXPECT_DOUBLE_EQ(work.tiles[0].useful(), (64.0 * 100 + 36) / (3 * 64 * 64));
  EXPECT_DOUBLE_EQ(work.kernel.flops, 3.0 * 64 * 64 * 2 * (8 + 8));
  const double rows = 2.0 * 8 * (100 + 100 + 100 + 100);
  EXPECT_DOUBLE_EQ(work.kernel.bytes, rows + static_cast<double>(plan.index_bytes()));
  EXPECT_EQ(work.gather_bytes, 0);
  const Roofline best = roofline(work.kernel, {1e9, 1e9});
  EXPECT_DOUBLE_EQ(best.seconds(), 3.0 * 64 * 64 * 32 * 1e-9);
}

TEST(ProjectWork, ScoresThatAreLookedAtCount) {
  const Inputs in = random_inputs(64, 1, 8);
  HeadTable table;
  table.add(0, 64, {{0, 32}});
  const Plan plan = one_branch({.tables = {table}, .scored = {64 * 64}});
  EXPECT_DOUBLE_EQ(plan_work(plan, in, {64, 64}).kernel.flops,
                   64.0 * 64 * 2 * (8 + 8) + 64.0 * 32 * 2 * 8);
}

TEST(ProjectWork, TilesAreThoseOfKernels) {
  EXPECT_EQ(parse_tile("128x64").queries, 128);
  expect_input_error([] { parse_tile("128x65"); }, "did you mean 128x64?");
}

const FittedTimes& fit_on(const std::string& device) {
  static std::map<std::string, FittedTimes> fits;
  if (!fits.count(device)) fits.emplace(device, fit_operator(published_times({device}).at(0)));
  return fits.at(device);
}

TEST(OperatorTimes, Table11IsFittedOnTwoColumnsAndTestedOnTheThird) {
  const FittedTimes& fit = fit_on("910B");
  ASSERT_EQ(fit.times.cells.size(), 12U);
  for (const OperatorCell& cell : fit.times.cells)
    EXPECT_EQ(cell.fitted, cell.column != "MoGA (M=5) ms") << cell.column;
  // Full attention: whole tiles of N x N pairs, 12 heads of 128, through no list.
  const OperatorCell& full = fit.times.cells[0];
  const double padded = 128 * std::ceil(31200 / 128.0);
  EXPECT_DOUBLE_EQ(full.features.tile_flops, 4 * padded * padded * 12 * 128);
  EXPECT_EQ(full.features.rows, 0);
  EXPECT_NEAR(full.seconds, 0.04006, 1e-12);
  // M=5: three branches, each through lists, and somewhat more than the density of pairs.
  const OperatorCell& five = fit.times.cells[1];
  EXPECT_EQ(five.features.rows, 3.0 * 12 * 31200);
  EXPECT_EQ(five.features.launches, 3);
  const double density = five.features.tile_flops / full.features.tile_flops;
  EXPECT_GT(density, 1.0 / 5 + 1.0 / 16 + 1.0 / 20);
  EXPECT_LT(density, 1.15 * (1.0 / 5 + 1.0 / 16 + 1.0 / 20));
}

TEST(OperatorTimes, ErrorsAreThoseOfTheModelOnTheCells) {
  const FittedTimes& fit = fit_on("910B");
  double largest = 0;
  for (const OperatorCell& cell : fit.times.cells) {
    EXPECT_DOUBLE_EQ(fit.error(cell), fit.model.seconds(cell.features) / cell.seconds - 1);
    if (!cell.fitted) largest = std::max(largest, std::abs(fit.error(cell)));
  }
  EXPECT_EQ(std::abs(fit.largest_error(false)), largest);
  EXPECT_LT(largest, 0.1);  // what ACCOUNTING.md says of it
  EXPECT_GT(largest, 0.05);
  FittedTimes other = fit;
  for (OperatorCell& cell : other.times.cells)
    if (!cell.fitted) cell.seconds *= 2;
  EXPECT_LT(other.largest_error(false), -0.4);  // computed, not stored
}

TEST(OperatorTimes, BlockSparseKernelsOfOneSizeFollowTheModel) {
  const FittedTimes& fit = fit_on("B200-847MHz");
  for (const OperatorCell& cell : fit.times.cells) {
    SCOPED_TRACE(cell.row + ", " + cell.column);
    if (cell.column == "blocks of 64")
      EXPECT_LT(fit.error(cell), -0.3);  // another kernel, which the model knows nothing of
    else
      EXPECT_LT(std::abs(fit.error(cell)), 0.05);
  }
  // 31 of 312 blocks, as 0.9006 is printed of.
  const auto found =
      std::find_if(fit.times.cells.begin(), fit.times.cells.end(), [](const OperatorCell& cell) {
        return cell.row == "wan1.3b-480p" && cell.column == "blocks of 128";
      });
  ASSERT_NE(found, fit.times.cells.end());
  EXPECT_DOUBLE_EQ(found->features.tile_flops, 4.0 * 39936 * (31 * 128) * 12 * 128);
}

TEST(OperatorTimes, EveryFileIsValidAndHasItsSources) {
  const auto files = embedded_in("results/operators/");
  ASSERT_FALSE(files.empty());
  for (const std::string& path : files) {
    const OperatorTimes times = operator_times_from(std::string(embedded(path)), path);
    EXPECT_TRUE(times.source.starts_with("https://")) << path;
    EXPECT_NO_THROW(choose_devices(times.device, known_devices())) << path;
    EXPECT_GT(fit_operator(times).model.coefficients[0], 0) << path;
  }
}

TEST(OperatorTimes, RefusesWhatIsNoTable) {
  const std::string head = R"({"name": "x", "title": "x", "device": "H100", "dim": 128,
                               "fitted": ["dense"], )";
  const std::string cell = R"("cells": [{"row": "a", "column": "dense", "heads": 1,
                              "tokens": 128, "block": 128, "sparsity": 0, "ms": 1}]})";
  EXPECT_EQ(operator_times_from(head + R"("source": "s", )" + cell, "f").cells.size(), 1U);
  expect_input_error([&] { operator_times_from(head + cell, "f"); }, "source");
  std::string odd = cell;
  odd.replace(odd.find("\"block\": 128"), 12, "\"block\": 100");
  expect_input_error([&] { operator_times_from(head + R"("source": "s", )" + odd, "f"); },
                     "tokens");
}

TEST(OperatorTimes, SaysWhereTheModelIsStretched) {
  const FittedTimes& fit = fit_on("B200-847MHz");
  EXPECT_FALSE(fit.extrapolates({1e12, 0, 1}));
  EXPECT_TRUE(fit.extrapolates({1e11, 0, 1}));
  EXPECT_TRUE(fit.extrapolates({1e16, 0, 1}));
}

constexpr const char* kSmall =
    "project --grid 4,8,8 --backend moga --device-name A100,910B --quiet ";

TEST(ProjectCommand, PrintsPredictionsAndNothingElse) {
  const ToolResult result = run_tool(kSmall);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(result.out.starts_with("Predictions, not measurements"));
  for (const char* part : {"at best ms", "fitted ms", "used for", "largest error", "moga"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part;
}

TEST(ProjectCommand, WritesEveryFormat) {
  const TemporaryFolder folder;
  const std::string json = folder / "p.json", csv = folder / "p.csv", md = folder / "p.md";
  const ToolResult result = run_tool(kSmall + ("--out " + json + " --out " + csv + " --out " + md));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json record = read_json(json);
  EXPECT_EQ(record.at("tool").get<std::string>(), "vidattn project");
  EXPECT_TRUE(record.at("prediction").get<bool>());
  const nlohmann::json& full = record.at("plans").at(0);
  EXPECT_EQ(full.at("backend").get<std::string>(), "full");
  // 256 tokens, 2 heads of 128: q, k, v and o at 2 bytes and the index over the A100's bandwidth.
  const double bytes = 4.0 * 256 * 2 * 128 * 2 + full.at("counted").at("index_bytes").get<double>();
  const nlohmann::json& a100 = full.at("predictions").at(0);
  EXPECT_DOUBLE_EQ(a100.at("memory_at_best").get<double>(), bytes / 2039e9);
  EXPECT_DOUBLE_EQ(a100.at("compute_at_best").get<double>(), 4.0 * 256 * 256 * 256 / 312e12);
  EXPECT_TRUE(a100.at("fitted").is_null());
  EXPECT_TRUE(full.at("predictions").at(1).at("fitted").is_number());
  EXPECT_EQ(record.at("fits").size(), 1U);
  EXPECT_EQ(record.at("fits").at(0).at("cells").size(), 12U);
  EXPECT_TRUE(testing::read_bytes(csv).starts_with("kind,what,device,quantity,value,unit"));
  EXPECT_NE(testing::read_bytes(md).find("| backend |"), std::string::npos);
}

TEST(ProjectCommand, TurnsTheKnob) {
  const ToolResult result = run_tool(
      "project --grid 4,16,16 --backend svg --backend oracle_block --density 0.25 "
      "--device-name H100 --format csv --quiet");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("counted,oracle_block:keep=0.2615,,density,0.25,"), std::string::npos)
      << result.out;
}

TEST(ProjectCommand, SaysWhichTokensAPlanLeavesOut) {
  const TemporaryFolder folder;
  write_npy(folder / "map.npy", Array{{1, 1, 2}, std::vector<uint8_t>{1, 0}});
  const std::string map = "map:" + (folder / "map.npy").string() + ",block_q=256,block_k=128";
  const ToolResult some =
      run_tool("project --grid 4,8,8 --device-name H100 --quiet --backend " + map);
  EXPECT_EQ(some.exit_code, 0) << some.err;
  EXPECT_EQ(some.out.find("see no keys"), std::string::npos) << some.out;
  write_npy(folder / "map.npy", Array{{1, 1, 2}, std::vector<uint8_t>{0, 0}});
  const ToolResult none =
      run_tool("project --grid 4,8,8 --device-name H100 --quiet --backend " + map);
  EXPECT_NE(none.out.find("256 tokens see no keys"), std::string::npos) << none.out;
}

TEST(ProjectCommand, RefusesInOneLine) {
  expect_refused("project --device-name H10", "did you mean H100?");
  expect_refused("project --devices /nowhere.json", "nowhere.json");
  expect_refused("project --backend mogo", "did you mean moga?");
  expect_refused("project --tile 32x32", "128x128");
  expect_refused("project --format latex", "markdown");
  expect_refused("project --fits --device-name H100", "no operator times");
  expect_refused("project --fits --grid 4,8,8", "excludes");
}

}  // namespace
}  // namespace vidattn
