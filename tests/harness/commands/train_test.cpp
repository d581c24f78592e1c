#include <gtest/gtest.h>

#include <filesystem>

#include "harness/dit/training/trainer.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/json_file.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

class TrainCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch_available()) GTEST_SKIP() << "built without libtorch";
    fs::remove_all(folder());
    fs::create_directories(folder());
  }
  void TearDown() override { fs::remove_all(folder()); }

  static fs::path folder() {
    return fs::temp_directory_path() / ("vidattn_train_" + std::to_string(getpid()));
  }
  static std::string out(const std::string& name) { return (folder() / name).string(); }
  /// A training of few small steps.
  static std::string train(const std::string& name, const std::string& more) {
    return "train --quiet --out " + out(name) + " " + more;
  }
  static DitArrays weights(const std::string& name) {
    return read_checkpoint(folder() / name / "model.safetensors").weights;
  }
};

TEST_F(TrainCommand, SlowALossFallsAndAKilledTrainingGoesOnBitForBit) {
  const std::string how =
      "--model tiny --clips 4 --backend moga_stga:num_groups=3 --seed 4 --steps 40 ";
  ASSERT_EQ(run_tool(train("whole", how)).exit_code, 0);
  run_shell("timeout -s KILL 60 sh -c '" + std::string(VIDATTN_TOOL) + " " +
            train("killed", how + "--save-minutes 0.01") + " & pid=$!; while ! test -s " +
            out("killed") + "/model.safetensors; do sleep 0.05; done; kill -9 $pid'");
  ASSERT_EQ(run_tool(train("killed", how + "--resume")).exit_code, 0);
  const DitArrays whole = weights("whole"), killed = weights("killed");
  for (const auto& [name, array] : whole) EXPECT_EQ(array.values, killed.at(name).values) << name;
  // Every step once in the log, whatever was lost.
  const ToolResult lines = run_shell("wc -l < " + out("killed") + "/log.jsonl");
  EXPECT_EQ(std::stoi(lines.out), 40);
  EXPECT_TRUE(fs::exists(folder() / "killed" / "curves.html"));
}

TEST_F(TrainCommand, SlowTheLossFalls) {
  ASSERT_EQ(run_tool(train("run", "--clips 4 --steps 30 --rate 4e-3")).exit_code, 0);
  std::vector<double> losses;
  read_json_lines(out("run") + "/log.jsonl",
                  [&](const JsonReader& line) { losses.push_back(line.at("loss").number()); });
  ASSERT_EQ(losses.size(), 30u);
  double last = 0;
  for (size_t i = 22; i < 30; ++i) last += losses[i] / 8;
  EXPECT_LT(last, 0.85 * losses[0]);
}

TEST_F(TrainCommand, StagesAreOfOtherGridsAndTheirModelsKnowThem) {
  ASSERT_EQ(run_tool(train("short", "--model tiny --clips 4 --steps 2")).exit_code, 0);
  const std::string begun =
      "--model tiny --clips 4 --steps 3 --fine-tune " + out("short") + "/averaged.safetensors ";
  ASSERT_EQ(run_tool(train("long", begun + "--grid 4,9,10")).exit_code, 0);
  const ToolResult run =
      run_tool("run --quiet --repeat 1 --backend full --workload dit:" + out("long") +
               "/averaged.safetensors");
  ASSERT_TRUE(ran_right(run)) << run.err;
  EXPECT_NE(run.out.find("360 tokens (grid 4x9x10"), std::string::npos) << run.out;
  EXPECT_EQ(run.out.find("extrapolated"), std::string::npos) << run.out;
  // A third of so few steps rises, so that the rate is reached.
  std::vector<double> rates;
  read_json_lines(out("long") + "/log.jsonl",
                  [&](const JsonReader& line) { rates.push_back(line.at("rate").number(0, 1)); });
  ASSERT_EQ(rates.size(), 3U);
  EXPECT_EQ(rates[0], 3e-3);
  expect_refused(train("none", "--model tiny --grid 2,9,10"), "3 to 1024");
  expect_refused(train("none", "--model tiny --grid 4,9"), "--grid");
  expect_refused(train("none", "--model tiny --grid 1024,1024,1024"), "tokens");
  expect_refused(train("none", "--model micro --frames 1024"), "65536 can be trained at most");
  expect_refused(train("none", "--model tiny --grid 4,9,10 --frames 4"), "--frames");
}

TEST_F(TrainCommand, GoesOnWithTheSettingsOfTheCheckpointAlone) {
  const std::string how =
      "--model tiny --clips 4 --backend moga:num_groups=3 --alpha 0.2 --rate 1e-3 --steps 2";
  ASSERT_EQ(run_tool(train("run", how)).exit_code, 0);
  const DitArrays before = weights("run");
  expect_refused(train("run", "--resume --backend full"), "--backend");
  expect_refused(train("run", "--resume --alpha 0.3"), "--alpha");
  expect_refused(train("run", "--resume --model micro"), "--model");
  expect_refused(train("run", "--resume --frames 5"), "--frames");
  expect_refused(train("run", "--resume --grid 8,6,5"), "--grid");
  expect_refused(train("run", "--resume --steps 3"), "--steps");
  expect_refused(train("run", "--resume --text joint"), "--text");
  EXPECT_EQ(run_tool(train("run", "--resume")).exit_code, 0);
  EXPECT_EQ(run_tool(train("run", "--resume " + how)).exit_code, 0);
  EXPECT_EQ(weights("run").at("head.weight").values, before.at("head.weight").values);
}

TEST_F(TrainCommand, TrainsInStagesOfLengthsAndMmdit) {
  ASSERT_EQ(run_tool(train("short", "--model tiny --clips 4 --frames 4 --text joint --steps 2"))
                .exit_code,
            0);
  const ToolResult longer = run_tool(
      train("long", "--model tiny --clips 4 --frames 8 --text joint --steps 2 --fine-tune " +
                        out("short") + "/averaged.safetensors --backend moga_stga:num_groups=3"));
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_EQ(read_checkpoint(folder() / "long" / "averaged.safetensors").config.frames, 8);
  // Another way of reading captions has other weights.
  expect_refused(train("no", "--model tiny --clips 4 --steps 2 --fine-tune " + out("short") +
                                 "/averaged.safetensors"),
                 "cross");
}

TEST_F(TrainCommand, SlowTheLossFallsInBf16AndMmdit) {
  ASSERT_EQ(
      run_tool(
          train("run", "--model tiny --clips 4 --steps 40 --rate 4e-3 --dtype bf16 --text joint"))
          .exit_code,
      0);
  std::vector<double> losses;
  read_json_lines(out("run") + "/log.jsonl",
                  [&](const JsonReader& line) { losses.push_back(line.at("loss").number()); });
  double last = 0;
  for (size_t i = 30; i < 40; ++i) last += losses[i] / 10;
  EXPECT_LT(last, 0.9 * losses[0]);
}

TEST_F(TrainCommand, RefusesWhatItCannotUse) {
  expect_refused(train("no", "--model giant"), "giant");
  expect_refused(train("no", "--backend mogga"), "moga");
  expect_refused(train("no", "--dtype int8"), "--dtype");
  expect_refused(train("no", "--clips 6"), "multiple of 4");
  expect_refused(train("no", "--resume"), "model.safetensors");
  expect_refused(train("no", "--fine-tune /dev/null"), "/dev/null");
  expect_refused("train --steps 3", "--out");
  expect_refused("train --steps 3 --out " + out("missing/deep"), "deep");
}

TEST_F(TrainCommand, ATrainingIsGoneOnWithNotTrainedOver) {
  const std::string how = "--model tiny --clips 4 --steps 2 --rate 1e-3";
  const ToolResult first = run_tool(train("once", how));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const std::string before = testing::read_bytes(out("once") + "/model.safetensors");
  expect_refused(train("once", how), "holds a training: --resume goes on with it");
  EXPECT_EQ(testing::read_bytes(out("once") + "/model.safetensors"), before);
  const ToolResult again = run_tool(train("once", "--resume"));
  EXPECT_EQ(again.out, first.out) << "the loss of the last step there was";
  for (const char* rate : {"0", "1e39", "1e300", "nan"})
    expect_refused(train("rate", "--model tiny --steps 1 --rate " + std::string(rate)), "--rate");
}

TEST_F(TrainCommand, StopsWithTheStepAndThePartThatWasNotFinite) {
  const ToolResult result = run_tool(train("wild", "--model tiny --clips 4 --rate 1e30 --steps 9"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("not finite first"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("step "), std::string::npos) << result.err;
}

}  // namespace
}  // namespace vidattn
