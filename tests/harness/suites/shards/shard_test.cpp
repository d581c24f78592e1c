#include "harness/suites/shards/shard.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/suites/shards/slurm.h"
#include "harness/suites/suite.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;

TEST(Shard, IsReadAsItIsWritten) {
  EXPECT_EQ(parse_shard("2/8"), (Shard{2, 8}));
  EXPECT_EQ(parse_shard("2/8").text(), "2/8");
  for (const char* wrong : {"", "2", "2/", "/8", "0/8", "9/8", "2/8x", "-1/8", "2 /8", "1/100001"})
    expect_input_error([&] { parse_shard(wrong); }, "as 2/8");
  const auto of = shard_of_run(shard_run_name("paper shard 1/2", {3, 4}));
  ASSERT_TRUE(of);
  EXPECT_EQ(of->suite, "paper shard 1/2");
  EXPECT_EQ(of->shard, (Shard{3, 4}));
  EXPECT_FALSE(shard_of_run("paper"));
  EXPECT_FALSE(shard_of_run("paper shard 5/4"));
  EXPECT_EQ(shard_store("results/a.db", {2, 8}), "results/a.shard-2-of-8.db");
}

TEST(Shard, EveryCaseIsInExactlyOne) {
  const Suite suite = load_suite("ci");
  const auto cases = std::ssize(suite.cases);
  for (const int64_t count : {int64_t{1}, int64_t{2}, int64_t{3}, cases}) {
    std::multiset<std::string> keys;
    for (int64_t number = 1; number <= count; ++number) {
      const Suite part = shard_of_suite(suite, {number, count});
      EXPECT_FALSE(part.cases.empty());
      for (const CaseRequest& request : part.cases)
        keys.insert(named_case(request, request.backends.front()).key());
    }
    EXPECT_EQ(std::ssize(keys), cases);
    EXPECT_EQ(std::ssize(std::set<std::string>(keys.begin(), keys.end())), cases);
  }
  expect_input_error([&] { shard_of_suite(suite, {1, cases + 1}); }, "some would have none");
}

TEST(Slurm, TheScriptIsOneThatBashReads) {
  Suite suite = load_suite("ci");
  suite.name = "my suite\n#SBATCH --uid=0";
  suite.limits.seconds = 3600;
  const std::string script =
      slurm_script(suite, 2, {"a b'c.json"}, "results/x y.db", "/some/where else");
  EXPECT_NE(script.find("#SBATCH --array=1-2\n"), std::string::npos);
  EXPECT_NE(script.find("--job-name=vidattn-my_suite__SBATCH_--uid_0\n"), std::string::npos);
  EXPECT_NE(script.find("vidattn merge 'results/x y.shard-1-of-2.db'"), std::string::npos);
  const TemporaryFolder folder;
  testing::write_bytes(folder / "job.sh", script);
  // A program of that name that says what it was given, in a folder that is there.
  testing::write_bytes(folder / "vidattn", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
  const std::string at = folder.path().string();
  const ToolResult result = run_shell(
      "cd " + at + " && chmod +x vidattn && mkdir -p 'some/where else' && sed -i 's#/some#" + at +
      "/some#' job.sh && PATH=" + at + ":$PATH SLURM_ARRAY_TASK_ID=2 bash job.sh");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "run\na b'c.json\n--shard\n2/2\n--resume\n--db\nresults/x y.shard-2-of-2.db\n");
}

TEST(Slurm, TheRecipeIsWhatIsPrinted) {
  const std::string printed =
      slurm_script(load_suite("quick"), 2, {"quick"}, "out.db", "/home/me/vidattn");
  std::string recipe = testing::read_bytes(VIDATTN_SOURCE_DIR "/harness/slurm/array.sh");
  const std::string folder = "cd \"$HOME\"/vidattn\n";
  const size_t at = recipe.find(folder);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(recipe.replace(at, folder.size(), "cd /home/me/vidattn\n"), printed);
}

TEST(Slurm, TheToolPrintsItAndRunsNothing) {
  const ToolResult result = run_tool("run quick --slurm 2 --case-timeout 60 --db v.db");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("#!/usr/bin/env bash\n"));
  EXPECT_NE(result.out.find("vidattn run quick --case-timeout 60 --shard \"$shard\"/2 --resume "
                            "--db v.shard-\"$shard\"-of-2.db\n"),
            std::string::npos)
      << result.out;
  expect_refused("run quick --slurm 0", "--slurm");
  expect_refused("run quick --slurm 100000", "some would have none");
  expect_refused("run --slurm 2", "suite");
  expect_refused("run quick --shard 3/2", "as 2/8");
}

}  // namespace
}  // namespace vidattn
