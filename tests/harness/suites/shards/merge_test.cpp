#include "harness/suites/shards/merge.h"

#include <gtest/gtest.h>

#include "harness/store/store.h"
#include "harness/suites/shards/shard.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::stored_case;
using testing::TemporaryFolder;

/// A finished run of one shard of the suite "small" with the cases of these names.
StoredRun shard_run(int64_t number, int64_t count, const std::vector<std::string>& names) {
  StoredRun run = testing::stored_run();
  run.suite = shard_run_name("small", {number, count});
  run.uid = "0000000" + std::to_string(number);
  run.finished = "2026-01-31T00:00:0" + std::to_string(number) + "Z";
  for (const std::string& name : names) run.cases.push_back(stored_case(name));
  return run;
}

std::vector<std::string> keys_of(const StoredRun& run) {
  std::vector<std::string> keys;
  for (const Measurement& c : run.cases) keys.push_back(c.key());
  return keys;
}

TEST(Merge, ShardsBecomeOneRunInTheirOrder) {
  const std::vector<StoredRun> runs{shard_run(2, 2, {"b"}), shard_run(1, 2, {"a", "c"})};
  const std::vector<StoredRun> merged = merge_runs(runs, {});
  ASSERT_EQ(merged.size(), 1);
  EXPECT_EQ(merged[0].suite, "small");
  EXPECT_EQ(merged[0].finished, "2026-01-31T00:00:02Z");
  EXPECT_EQ(
      keys_of(merged[0]),
      (std::vector<std::string>{testing::key_of("a"), testing::key_of("c"), testing::key_of("b")}));
  EXPECT_EQ(merge_runs({runs[1], runs[0], runs[1]}, {})[0].uid, merged[0].uid);
}

TEST(Merge, MachinesStayApart) {
  std::vector<StoredRun> runs{shard_run(1, 2, {"a"}), shard_run(2, 2, {"b"})};
  runs[1].machine_key = "m2";
  expect_input_error([&] { merge_runs(runs, {}); }, "and 1 more");
  const std::vector<StoredRun> merged = merge_runs(runs, {.partial = true});
  ASSERT_EQ(merged.size(), 2);
  EXPECT_NE(merged[0].machine_key, merged[1].machine_key);
  EXPECT_EQ(merged[0].cases.size() + merged[1].cases.size(), 2);
}

TEST(Merge, MixedRevisionsAreRefusedUnlessTold) {
  std::vector<StoredRun> runs{shard_run(1, 2, {"a"}), shard_run(2, 2, {"b"})};
  runs[1].revision = "def";
  expect_input_error([&] { merge_runs(runs, {.partial = true}); }, "revisions abc and def");
  const auto merged = merge_runs(runs, {.mixed_revisions = true, .partial = true});
  ASSERT_EQ(merged.size(), 2);
  EXPECT_EQ(merged[0].revision, "abc");
  EXPECT_EQ(merged[1].revision, "def");
}

TEST(Merge, MixedRevisionsAreWholeTogether) {
  std::vector<StoredRun> runs{shard_run(1, 3, {"a"}), shard_run(2, 3, {"b"}),
                              shard_run(3, 3, {"c"})};
  runs[1].revision = runs[2].revision = "def";
  const MergeOptions mixed{.mixed_revisions = true};
  const auto merged = merge_runs(runs, mixed);
  ASSERT_EQ(merged.size(), 2);
  EXPECT_EQ(merged[0].cases.size() + merged[1].cases.size(), 3);
  EXPECT_EQ(merged[0].finished, "");  // alone each is a part
  runs[2].finished.clear();
  expect_input_error([&] { merge_runs(runs, mixed); }, "is unfinished; --partial");
  runs.pop_back();
  expect_input_error([&] { merge_runs(runs, mixed); }, "is missing; --partial");  // said once
}

TEST(Merge, WhatIsMissingOrUnfinishedIsNamed) {
  std::vector<StoredRun> runs{shard_run(1, 2, {"a"}), shard_run(2, 2, {})};
  runs[1].finished.clear();
  expect_input_error([&] { merge_runs(runs, {}); }, "shard 2/2 of suite \"small\"");
  expect_input_error([&] { merge_runs({runs[0]}, {}); }, "is missing");
  EXPECT_EQ(merge_runs(runs, {.partial = true})[0].finished, "");
  runs[1].definition["timing"] = 3;
  expect_input_error([&] { merge_runs(runs, {}); },
                     "is missing, and 2 more (those given are of 2 definitions of the suite); ");
}

TEST(Merge, AShardThatWasRunTwiceBeginsASecondRun) {
  std::vector<StoredRun> runs{shard_run(1, 1, {"a"}), shard_run(1, 1, {"a"})};
  runs[1].uid = "00000009";
  const auto merged = merge_runs(runs, {});
  ASSERT_EQ(merged.size(), 2);
  EXPECT_NE(merged[0].uid, merged[1].uid);
}

TEST(Merge, AShardThatWasBegunAgainIsJoinedAsItWasFinished) {
  std::vector<StoredRun> runs{shard_run(1, 2, {}), shard_run(1, 2, {"a"}), shard_run(2, 2, {"b"})};
  runs[0].uid = "00000009";
  runs[0].finished.clear();
  const auto merged = merge_runs(runs, {});
  ASSERT_EQ(merged.size(), 1);
  EXPECT_EQ(merged[0].cases.size(), 2);
  EXPECT_NE(merged[0].finished, "");
}

TEST(Merge, OtherRunsStayAsTheyAre) {
  StoredRun other = testing::run_of_two();
  other.uid = "00000007";
  const auto merged = merge_runs({other, shard_run(1, 1, {"a"}), other}, {});
  ASSERT_EQ(merged.size(), 2);
  EXPECT_EQ(merged[0].uid, other.uid);
  EXPECT_EQ(merged[0].cases.size(), 2);
}

TEST(Merge, ARunThatWasMergedBeforeIsThereOnce) {
  const StoredRun one = shard_run(1, 2, {"a"}), two = shard_run(2, 2, {"b", "c"});
  for (const std::vector<StoredRun>& shards : {std::vector{one, two}, std::vector{one}}) {
    const StoredRun before = merge_runs(shards, {.partial = true})[0];
    std::vector<StoredRun> runs = shards;
    runs.insert(runs.begin(), before);
    const auto again = merge_runs(runs, {.partial = true});
    ASSERT_EQ(again.size(), 1);
    EXPECT_EQ(again[0].uid, before.uid);
    EXPECT_EQ(keys_of(again[0]), keys_of(before));
  }
}

class MergeCommand : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void store(const std::string& name, StoredRun run) const {
    Store(path(name), Store::Mode::write).add_run(std::move(run));
  }
  ToolResult merge(const std::string& more = "") const {
    return run_tool("merge " + path("a.db") + " " + path("b.db") + " --db " + path("all.db") +
                    more);
  }
  TemporaryFolder folder_;
};

TEST_F(MergeCommand, AddsOnceAndCountsTheCases) {
  store("a.db", shard_run(1, 2, {"a", "c"}));
  store("b.db", shard_run(2, 2, {"b"}));
  for (const char* said : {": added", ": is there already"}) {
    const ToolResult result = merge();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.out.find(said), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("3 cases of 2 stores"), std::string::npos) << result.out;
  }
  const StoredRun run = Store(path("all.db")).load_run("latest:small");
  EXPECT_EQ(run.cases.size(), 3);
  EXPECT_EQ(run.cases[0].blocks.size(), 2);
  EXPECT_EQ(Store(path("all.db")).list_runs().size(), 1);
}

TEST_F(MergeCommand, RefusesBeforeAnythingIsWritten) {
  store("a.db", shard_run(1, 2, {"a"}));
  EXPECT_EQ(merge().exit_code, 3);  // no b.db
  StoredRun other = shard_run(2, 2, {"b"});
  other.revision = "def";
  store("b.db", other);
  const ToolResult mixed = merge();
  EXPECT_EQ(mixed.exit_code, 3);
  EXPECT_NE(mixed.err.find("--mixed-revisions"), std::string::npos) << mixed.err;
  EXPECT_FALSE(std::filesystem::exists(path("all.db")));
  EXPECT_EQ(merge(" --mixed-revisions").exit_code, 0);
  expect_refused("merge " + path("a.db") + " --db " + path("a.db"),
                 "--db and store name the same file");
}

}  // namespace
}  // namespace vidattn
