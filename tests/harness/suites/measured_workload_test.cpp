#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

TEST(MeasuredWorkload, RowsOfOnePlanHaveOneMeasurement) {
  const testing::TemporaryFolder folder;
  const std::string out = folder / "r.json";
  const ToolResult result = run_shell(
      "VIDATTN_MEASURE_LIMITS=0 " VIDATTN_TOOL
      " run --quiet --grid 8,16,16 --heads 2 --dim 64 --repeat 2 --backend full --backend frame "
      "--density 0.5,0.6,0.7 --out " +
      out);
  ASSERT_TRUE(ran_right(result)) << result.err;
  const nlohmann::json cases = nlohmann::json::parse(testing::read_bytes(out))["cases"];
  ASSERT_EQ(cases.size(), 4U);
  for (const size_t twin : {2, 3}) {
    ASSERT_EQ(cases[twin]["details"]["checksum"], cases[1]["details"]["checksum"]);
    for (const char* tag : {"peak_extra_memory", "total_time", "setup_time", "validation_time"})
      EXPECT_EQ(cases[twin]["metrics"][tag], cases[1]["metrics"][tag]) << tag;
  }
}

}  // namespace
}  // namespace vidattn
