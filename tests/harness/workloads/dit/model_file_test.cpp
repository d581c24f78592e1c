#include "harness/workloads/dit/model_file.h"

#include <gtest/gtest.h>

#include "harness/io/embedded.h"
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
  if (embedded(kShippedModel).empty()) {
    testing::expect_input_error([] { load_model(""); }, "this build carries no trained model");
  } else {
    EXPECT_EQ(load_model("").config.size, "nano");
    EXPECT_TRUE(load_model("").state.empty());
  }
}

}  // namespace
}  // namespace vidattn
