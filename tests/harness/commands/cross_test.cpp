#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/io/npy.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

/// Cross-attention with wide values on the command line.
namespace vidattn {
namespace {

using testing::read_bytes;
using testing::TemporaryFolder;

class CrossCommand : public ::testing::Test {
 protected:
  CrossCommand() {
    Generator random{1};
    const Inputs in = random_cross(48, 33, 2, 1, 16, 40, random);
    write_npy(folder_ / "q.npy", *in.q);
    write_npy(folder_ / "k.npy", *in.k);
    write_npy(folder_ / "v.npy", *in.v);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  ToolResult attend(const std::string& rest) const {
    return run_tool("attend --q " + path("q.npy") + " --k " + path("k.npy") + " --v " +
                    path("v.npy") + " --out " + path("o.npy") + " " + rest);
  }
  nlohmann::json load(const std::string& name) const {
    return nlohmann::json::parse(read_bytes(path(name)));
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(CrossCommand, AttendCountsThePairsAndTheWidths) {
  const ToolResult result = attend("--backend full --mask " + path("mask.npy") + " --lse " +
                                   path("lse.npy") + " --stats " + path("s.json"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("48 queries, 33 keys, 2 heads of 16, values of 40, density 1"),
            std::string::npos)
      << result.out;
  EXPECT_EQ(read_npy(path("mask.npy")).shape, (std::vector<int64_t>{1, 48, 33}));
  EXPECT_EQ(read_npy(path("lse.npy")).shape, (std::vector<int64_t>{48, 2}));
  EXPECT_EQ(read_npy(path("o.npy")).shape, (std::vector<int64_t>{48, 2, 40}));
  EXPECT_EQ(load("s.json")["attention_flops"], 2.0 * (2 * 48 * 33) * (16 + 40));
}

TEST_F(CrossCommand, MethodsThatNeedAKeyForEachQueryRefuse) {
  const ToolResult result = attend("--backend sta --grid 3,4,4");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err,
            "vidattn: sta needs as many keys as queries: these are 48 queries and 33 keys\n");
}

TEST_F(CrossCommand, TheListNamesThem) {
  const std::string list = run_tool("list").out;
  const auto after_title = [&](const std::string& backend) {
    const size_t title = list.find("\n  " + backend + ": "), begin = list.find('\n', title + 1) + 1;
    return list.substr(begin, list.find('\n', begin) - begin);
  };
  EXPECT_EQ(after_title("full"), "      takes cross-attention");
  EXPECT_EQ(after_title("vsa"), "      takes only values as wide as the keys");
  EXPECT_EQ(after_title("sta").find("takes"), std::string::npos) << after_title("sta");
}

TEST_F(CrossCommand, RunMeasuresThoseThatTakeIt) {
  const ToolResult result = run_tool("run --quiet --repeat 2 --workload tensors:" + path("") +
                                     " --grid 3,4,4 --backend full "
                                     "--backend sparge:block_q=16,block_k=8 --backend sta "
                                     "--backend moga --out " +
                                     path("r.json"));
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_NE(result.out.find("48 queries (grid 3x4x4, shots at 0), 33 keys, 2 heads of 16, values "
                            "of 40\n"),
            std::string::npos)
      << result.out;
  for (const char* method : {"sta", "moga"})
    EXPECT_NE(result.out.find(std::string(method) + " needs as many keys as queries"),
              std::string::npos)
        << result.out;
  const nlohmann::json record = load("r.json");
  EXPECT_EQ(record["workload"]["keys"], 33);
  EXPECT_EQ(record["workload"]["value_dim"], 40);
  const auto value = [&](int test, const char* metric) {
    return record["cases"][test]["metrics"][metric]["value"].get<double>();
  };
  EXPECT_EQ(value(0, "pairs"), 2 * 48 * 33);
  EXPECT_EQ(value(0, "recall_mean"), 1);
  EXPECT_LT(value(1, "density"), 1);
  EXPECT_EQ(value(1, "attention_flops"), 2 * value(1, "pairs") * (16 + 40));
  EXPECT_LT(value(1, "recall_mean"), 1);
}

TEST_F(CrossCommand, AsManyKeysAsQueriesAreCrossAttentionWhereItIsSaid) {
  const std::string same = " --q " + path("q.npy") + " --k " + path("q.npy") + " --v " +
                           path("q.npy") + " --grid 3,4,4 --out " + path("o.npy");
  EXPECT_EQ(run_tool("attend --backend sta" + same).exit_code, 0);
  expect_refused("attend --backend sta --attention cross" + same,
                 "sta does not take cross-attention: its keys are other tokens than its queries");
  const ToolResult full = run_tool("attend --backend full --attention cross" + same);
  EXPECT_NE(full.out.find("48 queries, 48 keys"), std::string::npos) << full.out << full.err;
  expect_refused("attend --backend full --attention both" + same, "--attention");
  const ToolResult self = attend("--backend full --attention self");
  EXPECT_EQ(self.exit_code, 3);
  EXPECT_NE(self.err.find("48 queries and 33 keys"), std::string::npos) << self.err;
}

}  // namespace
}  // namespace vidattn
