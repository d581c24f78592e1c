#include "harness/workloads/dit/model_file.h"

#include <gtest/gtest.h>

#include "tests/harness/files.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

TEST(DitModel, IsAFileOrTheOneOfTheProgram) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "m.safetensors").string();
  write_checkpoint(path, testing::random_checkpoint(testing::tiny_config()));
  EXPECT_EQ(load_model(path).config, testing::tiny_config());
  EXPECT_EQ(model_sha256(path).size(), 64U);
  testing::expect_input_error([] { load_model("nano-480"); }, "vidattn carries nano, nano-480p");
  EXPECT_EQ(load_model("").weights.at("words").values,
            load_model("nano").weights.at("words").values);
}

TEST(DitModel, OfTheProgramAreOfTheGridsThatTheyWereTrainedOn) {
  EXPECT_EQ(shipped_models(), (std::vector<std::string>{"nano", "nano-480p"}));
  for (const std::string& name : shipped_models()) {
    const DitCheckpoint model = load_model(name);
    EXPECT_EQ(model.config.size, "nano");
    EXPECT_TRUE(model.state.empty()) << "a model to use holds no state";
    EXPECT_EQ(model_sha256(name).size(), 64U);
  }
  EXPECT_EQ(load_model("nano").config.tokens(), 768);
  const DitConfig long_clips = load_model("nano-480p").config;
  EXPECT_EQ(long_clips.tokens(), 32760);
  EXPECT_EQ(long_clips.groups, 5) << "it has the routers that it was trained with";
  EXPECT_NE(model_sha256("nano"), model_sha256("nano-480p"));
}

}  // namespace
}  // namespace vidattn
