#include <gtest/gtest.h>

#include <filesystem>

#include "harness/dit/training/train.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/json_file.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::random_checkpoint;
using testing::TemporaryFolder;
using testing::tiny_config;

class ExperimentCommand : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Networks of random weights as if they were seeds of one training.
  std::string two_networks(int64_t groups = 0) const {
    std::string options;
    for (const char* seed : {"1", "2"}) {
      DitCheckpoint checkpoint = random_checkpoint(tiny_config(2, groups), std::stoull(seed));
      checkpoint.facts = {{"seed", seed}, {"backend", groups > 0 ? "moga_stga" : "full"}};
      write_checkpoint(folder_ / (std::string("m") + seed), checkpoint);
      options += " --checkpoint " + at(std::string("m") + seed);
    }
    return options;
  }
  ToolResult experiment(const std::string& line) const {
    return run_tool("experiment " + line + " --quiet --clips 2 --steps 2 --json " + at("r.json"));
  }
  nlohmann::json record() const { return read_json(at("r.json")); }

  TemporaryFolder folder_;
};

TEST_F(ExperimentCommand, RecallPoolsTheSeedsOfAKind) {
  const ToolResult result = experiment("recall" + two_networks() + " --backend full --backend sta");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json kinds = record()["kinds"];
  ASSERT_EQ(kinds.size(), 2u) << kinds;
  EXPECT_EQ(kinds[0]["networks"], 2);
  EXPECT_TRUE(kinds[1].contains("less_the_first"));
  EXPECT_NE(result.out.find("paired by clip"), std::string::npos) << result.out;
}

TEST_F(ExperimentCommand, RouterPoolsNetworksByClip) {
  const ToolResult result = experiment("router" + two_networks(3) + " --format markdown");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("| trained"), std::string::npos) << result.out;
  EXPECT_EQ(record()["networks"].size(), 2u);
  EXPECT_EQ(record()["networks"][0]["trained_by_clip"].size(), 2u);
  EXPECT_TRUE(record()["pooled_less_trained"].contains("untrained"));
  expect_refused("experiment router --checkpoint " + at("none"), "none");
}

TEST_F(ExperimentCommand, PixelsMeansOverNetworks) {
  const ToolResult result =
      experiment("pixels" + two_networks() + " --backend oracle_token --backend random_block");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("means over 2 networks"), std::string::npos) << result.out;
  for (const nlohmann::json& method : record()["methods"]) EXPECT_EQ(method["psnr"].size(), 2u);
}

TEST_F(ExperimentCommand, RefusesInOneLine) {
  expect_refused("experiment groups", "--out");
  expect_refused("experiment recall", "--checkpoint");
  expect_refused("experiment recall --checkpoint a --checkpoint a", "twice");
  if (!torch_available()) return;
  two_networks();
  expect_refused("experiment groups --out " + at("o") + " --checkpoint " + at("m1"), "tiny");
  for (const char* name : {"methods", "recall"})
    expect_refused(std::string("experiment ") + name + " --base-steps 0 --out " + at("o"),
                   "--base-steps");
}

/// Experiments that train, with as little as there is of everything.
class TrainingExperiment : public ExperimentCommand {
 protected:
  void SetUp() override {
    if (!torch_available()) GTEST_SKIP() << "built without libtorch";
  }
  ToolResult trained(const std::string& name) const {
    return experiment(name + " --model tiny --seeds 1 --train-steps 2 --base-steps 1 --out " +
                      at("o"));
  }
  fs::file_time_type written(const std::string& training) const {
    return fs::last_write_time(folder_ / "o" / training / kTrainingFile);
  }
};

TEST_F(TrainingExperiment, SlowTemperatureTrainsNothingTwice) {
  const ToolResult result = trained("temperature");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(record()["contestants"].size(), 2u);
  const nlohmann::json sharp = record()["contestants"][1];
  EXPECT_EQ(sharp["backend"], "moga_stga:num_groups=5,temperature=0.5");
  EXPECT_EQ(sharp["scores"]["right colour"]["by_seed"][0].size(), 2u);
  EXPECT_TRUE(sharp["trainings"]["IoU"][0].is_number());
  EXPECT_TRUE(sharp["trainings"]["M sum F P"][0].is_number());
  const auto before = written("temperature_1-seed1");
  ASSERT_EQ(trained("temperature").exit_code, 0);
  EXPECT_EQ(written("temperature_1-seed1"), before);
  // The same name with other settings is not taken for it.
  expect_refused(
      "experiment temperature --quiet --model tiny --seeds 1 --train-steps 3 --base-steps 1 "
      "--out " +
          at("o"),
      "another training");
  expect_refused("experiment temperature --quiet --model tiny --seeds 1 --train-steps 2 --out " +
                     at("o") + " --checkpoint " + at("o") +
                     "/temperature_1-seed1/averaged.safetensors",
                 "began with another network");
}

TEST_F(TrainingExperiment, SlowRecallTrainsWhatItJudges) {
  const ToolResult result = trained("recall");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json contenders = record()["contenders"];
  ASSERT_EQ(contenders.size(), 2u);
  EXPECT_EQ(contenders[0]["backend"], "full");
  EXPECT_EQ(contenders[1]["backend"], "moga_stga:num_groups=5");
  EXPECT_EQ(contenders[1]["colour_kept"].size(), 2u);
  const auto before = written("base_full-seed1");
  ASSERT_EQ(trained("recall --backend stga").exit_code, 0);
  EXPECT_EQ(written("base_full-seed1"), before);
  EXPECT_EQ(record()["contenders"][1]["backend"], "stga");
}

TEST_F(TrainingExperiment, SlowBalanceFollowsEveryReading) {
  const ToolResult result = trained("balance");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json variants = record()["variants"];
  ASSERT_EQ(variants.size(), 7u);
  EXPECT_EQ(variants[0]["alpha"], 0);
  for (const nlohmann::json& variant : variants) {
    EXPECT_EQ(variant["curves"]["switch"][0].size(), 2u);
    EXPECT_GE(variant["last"]["onehot"][0], 1);
    EXPECT_GE(variant["last"]["largest/mean"][0], 1);
  }
}

TEST_F(TrainingExperiment, SlowIterationTimesBothProgramsAtEveryLength) {
  const ToolResult result = trained("iteration --frames 3,4");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json timed = record()["timed"];
  ASSERT_EQ(timed.size(), 6u);
  EXPECT_EQ(timed[0]["tokens"], 3 * 36);
  EXPECT_EQ(timed[5]["tokens"], 4 * 36);
  for (const nlohmann::json& each : timed)
    for (const char* program : {"training", "painting"}) {
      EXPECT_GT(each[program]["seconds"], 0);
      EXPECT_GT(each[program]["attention_share"], 0);
      EXPECT_LT(each[program]["attention_share"], 1);
      EXPECT_GT(each[program]["peak_bytes"], 1 << 20);
    }
}

TEST_F(TrainingExperiment, SlowGroupsBeginWithFullAttention) {
  const ToolResult result = trained("groups --format latex");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("\\toprule"), std::string::npos) << result.out;
  const nlohmann::json all = record()["contestants"];
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0]["scores"]["density"]["mean"][0], 1);
  EXPECT_TRUE(all[0]["trainings"]["IoU"][0].is_null());
  EXPECT_LT(all[4]["scores"]["gflops"]["mean"][0], all[1]["scores"]["gflops"]["mean"][0]);
  EXPECT_TRUE(all[4]["difference_to_first"].contains("right colour"));
}

TEST_F(TrainingExperiment, SlowLocalityTellsWindowsFromGroups) {
  const ToolResult result = trained("locality");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json all = record()["contestants"];
  ASSERT_EQ(all.size(), 8u);
  const auto density = [&](size_t i) {
    return all[i]["scores"]["density"]["mean"][0].get<double>();
  };
  EXPECT_EQ(density(0), 1);
  for (const size_t windows : {2, 5})  // further boundary frames are further keys
    EXPECT_LT(density(windows), density(windows + 2));
  EXPECT_GT(all[1]["scores"]["sharpness"]["mean"][0], 0);
}

TEST_F(TrainingExperiment, SlowMethodsStandBesideTrainedOnes) {
  const ToolResult result = trained("methods --backend sta --backend oracle_token");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json all = record()["contestants"];
  ASSERT_EQ(all.size(), 6u) << all.size();
  EXPECT_EQ(all[0]["label"], "full");
  EXPECT_FALSE(all[0]["scores"].contains("psnr"));
  EXPECT_TRUE(all[1]["scores"].contains("psnr"));
  EXPECT_TRUE(all[3]["label"].get<std::string>().starts_with("trained"));
  EXPECT_LT(all[2]["scores"]["density"]["mean"][0], 0.9);
}

}  // namespace
}  // namespace vidattn
