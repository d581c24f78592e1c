#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/store/store.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::read_bytes;
using testing::TemporaryFolder;

/// What a run leaves when the machine fails it after the measuring.
class RunOutputs : public ::testing::Test {
 protected:
  std::string path(const char* name) const { return (folder_ / name).string(); }
  static std::string run(int blocks) {
    return std::string(VIDATTN_TOOL) +
           " run --quiet --grid 2,4,4 --heads 1 --dim 16 --backend full --backend frame --repeat " +
           std::to_string(blocks);
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }
  static size_t timed_cases(const std::string& file) {
    size_t count = 0;
    const auto record = nlohmann::json::parse(read_bytes(file));
    for (const auto& test : record["cases"]) count += test["blocks"].size() == 2 ? 1 : 0;
    return count;
  }

  TemporaryFolder folder_;
};

TEST_F(RunOutputs, AFileThatCannotBeWrittenDoesNotKeepTheStoreFromBeing) {
  // Its folder goes away while the run is on its way.
  fs::create_directory(path("gone"));
  const ToolResult result =
      run_shell("{ until [ -s " + path("v.db") + " ]; do sleep 0.01; done; rmdir " + path("gone") +
                "; } & " + run(2) + " --out " + path("gone/r.json") + " --db " + path("v.db"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("r.json\": No such file or directory\n"), std::string::npos)
      << result.err;
  EXPECT_NE(result.out.find("\nframe "), std::string::npos) << "the table is printed";
  EXPECT_EQ(Store(path("v.db")).load_run("1").cases.at(1).blocks.size(), 2U);
  EXPECT_EQ(files(), 1U) << "nothing else is left";
}

TEST_F(RunOutputs, AStoreThatFailsDoesNotKeepTheFileFromBeingWritten) {
  StoredRun large = testing::stored_run();
  large.cases = {testing::stored_case("one")};
  large.cases[0].reason = std::string(200'000, 'x');
  Store(path("v.db"), Store::Mode::write).add_run(large);
  // A limit on the size of files stands in for a full disk. The store cannot grow, and the record
  // is smaller. sh counts in blocks of 512 bytes.
  const ToolResult result =
      run_shell("ulimit -f 200; " + run(2) + " --out " + path("r.json") + " --db " + path("v.db"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("what it held before is unchanged\n"), std::string::npos) << result.err;
  EXPECT_EQ(timed_cases(path("r.json")), 2U);
  EXPECT_EQ(Store(path("v.db")).list_runs().size(), 1U);
  EXPECT_EQ(files(), 2U) << "nothing else is left";
  const ToolResult printed = run_shell("ulimit -f 200; " + run(2) + " --db " + path("v.db"));
  EXPECT_EQ(printed.exit_code, 3);
  const auto record = nlohmann::json::parse(printed.out.substr(printed.out.find("\n{")));
  EXPECT_EQ(record["cases"].size(), 2U) << "without a file it is printed";
}

TEST_F(RunOutputs, AHangUpIsAnInterrupt) {
  const ToolResult result =
      run_shell("timeout --foreground --preserve-status -s HUP 2 " + run(100000) + " --out " +
                path("r.json") + " --db " + path("v.db"));
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_TRUE(nlohmann::json::parse(read_bytes(path("r.json")))["interrupted"].get<bool>());
  EXPECT_EQ(files(), 2U);
}

/// The bandwidth of the memory needs several times the largest cache: on most machines one of these
/// limits lies between what the run needs and that.
TEST_F(RunOutputs, TooLittleMemoryForTheBandwidthLosesNothing) {
  for (const char* kib : {"600000", "900000", "1300000"}) {
    // Every thread of OpenBLAS holds a large buffer.
    const ToolResult result = run_shell(
        "export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1 VIDATTN_MEASURE_LIMITS=1; ulimit -d " +
        std::string(kib) + "; timeout -k 1 100 " + run(2) + " --out " + path("r.json"));
    ASSERT_EQ(result.exit_code, 0) << kib << ": " << result.err;
    EXPECT_EQ(timed_cases(path("r.json")), 2U);
    const auto record = nlohmann::json::parse(read_bytes(path("r.json")));
    const auto& bandwidth = record["environment"]["measured"]["memory_bandwidth_gbs"];
    EXPECT_NE(bandwidth.is_number(),
              record["environment"]["unknown"].contains("measured.memory_bandwidth_gbs"));
  }
  const std::string report = "report --no-pictures " + path("r.json") + " --out " + path("r.html");
  EXPECT_EQ(run_tool(report).exit_code, 0);
}

/// All backends of a run are timed in turns, so that none is finished before the others: what there
/// is of all is kept now and then.
TEST_F(RunOutputs, AKillInTheMidstLosesTheLastSecondsAlone) {
  const std::string there = "[ -s " + path("r.json") + " ] && [ \"$(sqlite3 " + path("v.db") +
                            " 'SELECT count(*) FROM cases' 2>&1)\" = 2 ]";
  if (run_shell("command -v sqlite3").exit_code != 0) GTEST_SKIP() << "sqlite3 is not installed";
  run_shell(run(100000) + " --out " + path("r.json") + " --db " + path("v.db") +
            " & run=$!; for i in $(seq 600); do " + there +
            " && break; sleep 0.1; done; kill -KILL $run; wait $run");
  const auto record = nlohmann::json::parse(read_bytes(path("r.json")));
  EXPECT_TRUE(record["interrupted"].get<bool>());
  ASSERT_EQ(record["cases"].size(), 2U);
  const StoredRun stored = Store(path("v.db")).load_run("1");
  ASSERT_EQ(stored.cases.size(), 2U);
  EXPECT_EQ(stored.finished, "");
  for (const Measurement& c : stored.cases) {
    EXPECT_EQ(c.outcome, Outcome::passed);
    EXPECT_GT(c.blocks.size(), 10U);
    EXPECT_GT(c.metric("speedup"), 0);
  }
  EXPECT_EQ(record["cases"][1]["key"], stored.cases[1].key());
}

}  // namespace
}  // namespace vidattn
