#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::TemporaryFolder;

/// Runs the tool with the words of a command, and gives back the cases of its record.
json cases_of(const std::string& words, const TemporaryFolder& folder) {
  const std::string out = (folder / "r.json").string();
  const ToolResult result = run_shell("VIDATTN_MEASURE_LIMITS=0 " + std::string(VIDATTN_TOOL) +
                                      " " + words + " --quiet --out " + out);
  EXPECT_TRUE(ran_right(result)) << words << ": " << result.err;
  return json::parse(testing::read_bytes(out))["cases"];
}

/// The command that is stored with every row gives the row's own figures: those that no clock has a
/// part in.
void expect_reproduced(const std::string& words) {
  const TemporaryFolder folder;
  for (const json& row : cases_of(words, folder)) {
    const std::string command = row["command"];
    ASSERT_EQ(command.rfind("vidattn run ", 0), 0U) << command;
    const json again = cases_of(command.substr(sizeof "vidattn"), folder).back();
    EXPECT_EQ(again["setting"], row["setting"]);
    for (const char* tag : {"density", "run_density", "fidelity_tokens", "relative_l2", "cosine",
                            "recall_mean", "selection_error"})
      EXPECT_EQ(again["metrics"][tag]["value"], row["metrics"][tag]["value"])
          << tag << " of " << command;
  }
}

const std::string kStga = "run --grid 4,14,14 --heads 1 --dim 16 --repeat 1 --backend stga";

TEST(StoredCommand, HasFullAttentionWhereTheRunHadIt) {
  expect_reproduced(kStga);
  expect_reproduced(kStga + " --backend full");
}

TEST(StoredCommand, HasTheRunThatDensitiesAreOver) {
  expect_reproduced(kStga + " --backend vmoba --steps 10 --layers 4 --density 0.3");
}

TEST(StoredCommand, OfLowBitsIsOverAsManyTokens) {
  expect_reproduced(kStga + " --backend full --dtype f32 --dtype int8");
  expect_reproduced(kStga + " --dtype fp8");
}

}  // namespace
}  // namespace vidattn
