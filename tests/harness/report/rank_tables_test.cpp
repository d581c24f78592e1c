#include "harness/report/aggregates/rank_tables.h"

#include <gtest/gtest.h>

#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::TemporaryFolder;

Measurement case_on_ranks() {
  Measurement c = testing::stored_case("one");
  RankBalance two{2, {}, {}};
  two.ulysses = {.pairs = 1.25, .tiles = 1.5, .tiles_in_steps = 1.5, .sent = {1, 2, 3, 4}};
  two.ring.refused = "2 ranks share 1 queries: give each at least one";
  c.plan.ranks = {two};
  return c;
}

TEST(RankTables, AreTheSameAfterARecord) {
  const Measurement c = case_on_ranks();
  Measurement read = testing::stored_case("one");
  const nlohmann::json details = details_json(c);
  read_details(JsonReader(details), read);
  ASSERT_EQ(read.plan.ranks.size(), 1);
  EXPECT_EQ(read.plan.ranks[0].ulysses.pairs, 1.25);
  EXPECT_EQ(read.plan.ranks[0].ulysses.sent.o, 4);
  EXPECT_EQ(read.plan.ranks[0].ring.refused, c.plan.ranks[0].ring.refused);
  EXPECT_EQ(rank_tables({read}), rank_tables({c}));
}

TEST(RankTables, SayWhatIsRefused) {
  const std::string text = rank_tables({case_on_ranks()});
  EXPECT_NE(text.find("1.25"), std::string::npos);
  EXPECT_NE(text.find("ring P=2: 2 ranks share 1 queries"), std::string::npos);
  EXPECT_EQ(rank_tables({testing::stored_case("one")}), "");
}

TEST(RunCommand, RanksOfWhatHasNoTableAreSaidToBeInTheRecord) {
  const std::string small = "run --quiet --heads 2 --dim 16 --repeat 1 --ranks 2 ";
  const ToolResult kinds = run_tool(small + "--grid 4,6,8 --backend full --backend vmoba"),
                   steps = run_tool(small + "--grid 4,6,8 --workload steps:2 --backend full");
  EXPECT_NE(kinds.out.find("balance over ranks of vmoba: in the JSON"), std::string::npos)
      << kinds.out;
  EXPECT_NE(kinds.out.find("Ulysses, heads over P ranks"), std::string::npos) << kinds.out;
  EXPECT_NE(steps.out.find("balance over ranks of full: in the JSON"), std::string::npos)
      << steps.out << steps.err;
}

TEST(RunCommand, RanksStandInTableRecordAndMetrics) {
  const TemporaryFolder folder;
  const std::string out = (folder / "r.json").string();
  const ToolResult result = run_tool(
      "run --quiet --grid 4,6,8 --heads 2 --dim 16 --repeat 1 --backend full --backend moga "
      "--ranks 4,2,2 --columns density,ring_pair_balance,ulysses_pair_balance --out " +
      out);
  ASSERT_TRUE(ran_right(result)) << result.err;
  EXPECT_NE(result.err.find("--ranks 2 stands there twice"), std::string::npos);
  EXPECT_NE(result.out.find("Ulysses P=4: 4 ranks share 2 heads"), std::string::npos);
  const nlohmann::json full = read_json(out)["cases"][0];
  ASSERT_EQ(full["details"]["ranks"].size(), 2);
  EXPECT_EQ(full["details"]["ranks"][0]["ulysses"]["pairs_busiest_over_mean"], 1);
  EXPECT_EQ(full["details"]["ranks"][1]["ulysses"]["refused"],
            "4 ranks share 2 heads: give each at least one");
  EXPECT_EQ(full["metrics"]["ring_pair_balance"]["value"], 1);  // 48 of 192 tokens each
  EXPECT_TRUE(full["metrics"]["ulysses_pair_balance"]["value"].is_null());
}

TEST(RunCommand, RanksThatAreNoneAreRefused) {
  expect_refused("run --grid 4,6,8 --backend full --ranks 1", "--ranks");
  expect_refused("run --grid 4,6,8 --backend full --ranks two", "--ranks");
  expect_refused("run quick --ranks 2", "--ranks");
}

}  // namespace
}  // namespace vidattn
