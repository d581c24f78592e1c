// What happens where memory is short. "Slow", because address sanitizers do not work under a limit.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

class ShortMemory : public ::testing::Test {
 protected:
  ToolResult run(int mebibytes, const std::string& arguments) const {
    return run_shell("ulimit -d " + std::to_string(mebibytes * 1024) +
                     "; OMP_NUM_THREADS=2 timeout -k 1 60 " + std::string(VIDATTN_TOOL) + " " +
                     arguments);
  }
  /// The outcomes of a run's cases by backend.
  std::map<std::string, std::string> outcomes() const {
    std::map<std::string, std::string> found;
    const auto record = nlohmann::json::parse(testing::read_bytes(out_), nullptr, false);
    if (!record.is_object()) return found;
    for (const auto& c : record["cases"]) found[c["backend"]] = c["outcome"];
    return found;
  }
  testing::TemporaryFolder folder_;
  std::string out_ = (folder_ / "out.json").string();
};

/// OpenBLAS starts its threads before main(), and ends a program in which it cannot.
TEST_F(ShortMemory, TooLittleForAThreadIsOneLineSlow) {
  const ToolResult result = run(40, "list");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err.rfind("vidattn: out of memory: ", 0), 0U) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST_F(ShortMemory, NoMeasuredCaseIsLostSlow) {
  int complete = 0, partly = 0;
  for (const int mebibytes : {64, 100, 200, 400, 2000}) {
    SCOPED_TRACE(std::to_string(mebibytes) + " MiB");
    std::filesystem::remove(out_);
    const ToolResult result = run(mebibytes,
                                  "run --quiet --grid 4,8,8 --heads 1 --repeat 1 --backend full "
                                  "--backend moga --backend svg2 --out " +
                                      out_);
    const auto found = outcomes();
    if (result.exit_code == 3) {
      EXPECT_EQ(result.err.rfind("vidattn: out of memory", 0), 0U) << result.err;
      continue;
    }
    ASSERT_LE(result.exit_code, 2) << result.err;
    ASSERT_EQ(found.size(), 3U) << result.out;
    bool short_of_memory = false;
    for (const auto& [backend, outcome] : found) {
      const bool lacked = outcome == "out of memory";
      // Mistrusted: other programs disturbed the times.
      EXPECT_TRUE(lacked || outcome == "passed" || outcome == "mistrusted") << outcome;
      short_of_memory |= lacked;
    }
    EXPECT_EQ(result.exit_code == 1, short_of_memory);
    ++(short_of_memory ? partly : complete);
  }
  EXPECT_GT(partly, 0);
  EXPECT_GT(complete, 0);
}

TEST_F(ShortMemory, TooFewThreadsAreToldSlow) {
  // Each has a stack of 1 GiB.
  const ToolResult result = run_shell(
      "ulimit -s 1048576; ulimit -d 524288; OMP_NUM_THREADS=4 OPENBLAS_NUM_THREADS=1 timeout -k 1 "
      "60 " +
      std::string(VIDATTN_TOOL) + " list");
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_NE(result.err.find("out of memory: 4 threads, of which 1 can be started"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace vidattn
