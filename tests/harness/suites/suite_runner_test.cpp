// Whole suites in real processes, with the program that also has the backends of drill.cpp. "Slow",
// because address sanitizers do not work under a memory limit.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "harness/io/json_file.h"
#include "harness/store/store.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using nlohmann::json;

json small_suite(const json& backends) {
  return {{"name", "small"},
          {"workloads", {{{"grid", {4, 8, 8}}, {"heads", 1}, {"dim", 16}}}},
          {"backends", backends},
          {"timing", {{"seconds", 0.1}, {"min_blocks", 6}, {"interval", 0.5}}},
          {"limits", {{"seconds", 30}}}};
}

class SuiteRunSlow : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write_suite(const json& suite) const { write_json(path("s.json"), suite); }
  std::string command(const std::string& more = "", const std::string& db = "v.db") const {
    return std::string(VIDATTN_DRILL_TOOL) + " run " + path("s.json") + " --db " + path(db) + " " +
           more;
  }
  std::map<std::string, Measurement> cases(const std::string& run = "latest") const {
    std::map<std::string, Measurement> by_backend;
    for (const Measurement& c : Store(path("v.db")).load_run(run).cases)
      by_backend[c.identity.backend] = c;
    return by_backend;
  }
  /// Runs the suite in the background, its output in out.txt.
  pid_t start(const std::string& more) const {
    const pid_t child = fork();
    if (child != 0) return child;
    const std::string line = "exec " + command(more) + " >" + path("out.txt") + " 2>&1";
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(1);
  }
  /// Cases that the newest run in the store has so far.
  size_t stored() const {
    if (!std::filesystem::exists(path("v.db"))) return 0;
    try {
      const Store store(path("v.db"));
      return store.list_runs().empty() ? 0 : store.load_run("latest").cases.size();
    } catch (const InputError& error) {
      // Killed while the file was being made: nothing was stored yet.
      EXPECT_NE(std::string(error.what()).find("not of vidattn"), std::string::npos)
          << error.what();
      return 0;
    }
  }
  testing::TemporaryFolder folder_;
};

TEST_F(SuiteRunSlow, TroubleIsRecordedAndTheOthersFinish) {
  json suite =
      small_suite({"drill_crash", "drill_hang", "drill_memory", "drill_wait", "drill_abort",
                   "drill_quit", "moga:num_groups=3", "full", "stga:shots=0,9"});
  suite["limits"] = {{"seconds", 5}, {"memory_gib", 1}};
  write_suite(suite);
  const ToolResult result = run_shell(command());
  EXPECT_EQ(result.exit_code, 1) << result.err;
  auto found = cases();
  ASSERT_EQ(found.size(), 9U);
  EXPECT_EQ(found["drill_crash"].outcome, Outcome::crashed);
  EXPECT_NE(found["drill_crash"].reason.find("signal 11"), std::string::npos);
  EXPECT_EQ(found["drill_hang"].outcome, Outcome::timed_out);
  EXPECT_NE(found["drill_hang"].reason.find("5 s"), std::string::npos);
  EXPECT_EQ(found["drill_memory"].outcome, Outcome::out_of_memory);
  EXPECT_EQ(found["drill_wait"].outcome, Outcome::out_of_memory);
  EXPECT_NE(found["drill_wait"].reason.find("the limit of 5 s"), std::string::npos);
  EXPECT_EQ(found["drill_abort"].outcome, Outcome::out_of_memory);
  EXPECT_GT(*found["drill_abort"].process.peak_bytes, int64_t{500} << 20);
  EXPECT_EQ(found["drill_quit"].outcome, Outcome::crashed);
  EXPECT_NE(found["drill_quit"].reason.find("exit code 7"), std::string::npos);
  EXPECT_EQ(found["stga:shots=0,9"].outcome, Outcome::skipped);
  for (const char* fine : {"moga:num_groups=3", "full"}) {
    EXPECT_EQ(found[fine].outcome, Outcome::passed) << found[fine].reason;
    EXPECT_GE(found[fine].blocks.size(), 6U);
    EXPECT_GT(*found[fine].process.peak_bytes, int64_t{10} << 20);
    EXPECT_NE(result.out.find(found[fine].command), std::string::npos);
  }
}

TEST_F(SuiteRunSlow, TypesOfLowBitsAreStoredExportedAndNotMeasuredAgain) {
  json suite = small_suite({"stga"});
  suite["dtypes"] = {"int8", "fp8"};
  write_suite(suite);
  ASSERT_TRUE(ran_right(run_shell(command("--quiet"))));
  const std::string tool = VIDATTN_DRILL_TOOL, exported = path("e.json");
  ASSERT_EQ(run_shell(tool + " export latest --db " + path("v.db") + " --out " + exported + " && " +
                      tool + " import " + exported + " --db " + path("w.db"))
                .exit_code,
            0);
  for (const char* db : {"v.db", "w.db"}) {
    const auto found = Store(path(db)).load_run("latest").cases;
    ASSERT_EQ(found.size(), 2U);
    for (const Measurement& c : found) {
      EXPECT_EQ(c.outcome, Outcome::passed) << c.reason;
      EXPECT_GT(c.metric("quantisation_error"), 0);
      EXPECT_FALSE(c.plan.unit.empty());
    }
    EXPECT_NE(found[0].key(), found[1].key());
  }
  const ToolResult again = run_shell(command("--resume"));
  EXPECT_EQ(Store(path("v.db")).list_runs().size(), 1U) << again.err;
}

TEST_F(SuiteRunSlow, WorksWithoutProc) {
  const std::string hidden = "unshare -m sh -c 'umount -l /proc && ";
  if (run_shell(hidden + "true'").exit_code != 0) GTEST_SKIP() << "/proc cannot be taken away here";
  write_suite(small_suite({"stga"}));
  const ToolResult result = run_shell(hidden + command() + "'");
  EXPECT_TRUE(ran_right(result)) << result.err;
  EXPECT_EQ(cases()["stga"].outcome, Outcome::passed) << cases()["stga"].reason;
}

TEST_F(SuiteRunSlow, TheCommandOfACaseReproducesIt) {
  write_suite(small_suite({"moga:num_groups=3"}));
  ASSERT_TRUE(ran_right(run_shell(command("--quiet"))));
  const Measurement c = cases()["moga:num_groups=3"];
  std::string again = c.command;
  again.replace(0, std::string("vidattn").size(), VIDATTN_DRILL_TOOL);
  const ToolResult result = run_shell(again + " --json --quiet");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json record = json::parse(result.out)[0];
  EXPECT_EQ(record["key"], c.key());
  EXPECT_EQ(record["command"], c.command);
  EXPECT_EQ(record["details"]["checksum"], c.plan.checksum);
  EXPECT_EQ(record["metrics"]["pairs"]["value"], c.metric("pairs"));
}

TEST_F(SuiteRunSlow, KilledAtAnyMomentItLosesNothingAndResumes) {
  json backends = json::array();
  for (int groups = 2; groups < 7; ++groups)
    backends.push_back("moga:num_groups=" + std::to_string(groups));
  write_suite(small_suite(backends));
  std::mt19937_64 random(std::random_device{}());
  std::uniform_int_distribution<int> moment(50, 1800);
  size_t before = 0;
  for (int kill_number = 0; kill_number < 3; ++kill_number) {
    const bool resumes = kill_number > 0 && std::filesystem::exists(path("v.db")) &&
                         !Store(path("v.db")).list_runs().empty();
    const pid_t child = start(resumes ? "--resume --quiet" : "--quiet");
    std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const size_t now = stored();
    EXPECT_GE(now, before) << "a finished case was lost";
    before = now;
  }
  const bool begun = !Store(path("v.db"), Store::Mode::write).list_runs().empty();
  const bool unfinished = begun && Store(path("v.db")).list_runs().back().finished.empty();
  if (unfinished || !begun) {
    ASSERT_TRUE(ran_right(run_shell(command(begun ? "--resume --quiet" : "--quiet"))));
  }
  const StoredRun run = Store(path("v.db")).load_run("latest");
  EXPECT_FALSE(run.finished.empty());
  EXPECT_EQ(run.cases.size(), 5U);
}

TEST_F(SuiteRunSlow, ShardsMergeToTheWholeSuite) {
  write_suite(small_suite({"full", "stga", "moga:num_groups=3"}));
  for (const char* shard : {"1/2", "2/2", "1/2"}) {  // the last finds nothing to do
    const std::string number(shard, 1);
    const ToolResult result =
        run_shell(command("--quiet --resume --shard " + std::string(shard), "v" + number + ".db"));
    EXPECT_TRUE(ran_right(result)) << result.err;
  }
  EXPECT_EQ(Store(path("v1.db")).load_run("latest").cases.size(), 2U);
  EXPECT_EQ(Store(path("v1.db")).list_runs().size(), 1U);
  const ToolResult merged = run_shell(std::string(VIDATTN_DRILL_TOOL) + " merge " + path("v1.db") +
                                      " " + path("v2.db") + " --db " + path("v.db"));
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(cases("latest:small").size(), 3U);
  // The whole suite's --resume finds them done.
  EXPECT_TRUE(ran_right(run_shell(command("--quiet --resume"))));
  EXPECT_EQ(Store(path("v.db")).list_runs().size(), 1U);
}

TEST_F(SuiteRunSlow, TheSshRecipeRunsAndMerges) {
  write_suite(small_suite({"full", "stga"}));
  // "ssh HOST COMMAND" that stays here.
  testing::write_bytes(path("ssh"), "#!/bin/sh\nshift\nexec sh -c \"$1\"\n");
  const ToolResult result = run_shell("chmod +x " + path("ssh") + " && VIDATTN_SSH=" + path("ssh") +
                                      " VIDATTN=" + VIDATTN_DRILL_TOOL +
                                      " bash " VIDATTN_SOURCE_DIR "/harness/slurm/ssh.sh " +
                                      path("s.json") + " " + path("v.db") + " one two");
  EXPECT_EQ(result.exit_code, 0) << result.err << result.out;
  EXPECT_EQ(cases("latest:small").size(), 2U);
}

TEST_F(SuiteRunSlow, AnInterruptStopsAndResumeCarriesOn) {
  write_suite(small_suite({"full", "drill_hang", "stga"}));
  const pid_t child = start("--quiet");
  for (int i = 0; i < 600 && stored() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  std::ifstream out(path("out.txt"));
  const std::string text{std::istreambuf_iterator<char>(out), {}};
  EXPECT_NE(text.find("interrupted: 1 of 3 cases"), std::string::npos) << text;
  EXPECT_EQ(cases().size(), 1U);
  EXPECT_EQ(run_shell(command("--resume --quiet --case-timeout 2")).exit_code, 1);
  EXPECT_EQ(cases().size(), 3U);
  // Nothing is left to do; the verdict and its reasons are those of the run.
  const ToolResult nothing = run_shell(command("--resume --quiet"));
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_NE(nothing.out.find("timed out"), std::string::npos) << nothing.out;
  EXPECT_EQ(Store(path("v.db")).list_runs().size(), 1U);
}

TEST_F(SuiteRunSlow, AFullDiskIsOneLineAndLosesNothing) {
  write_suite(small_suite({"full", "stga", "moga", "frame", "moga_stga"}));
  std::filesystem::create_directory(path("disk"));
  // A file system of its own, 128 KiB large: room for some cases, not for all.
  const std::string mount = "mount -t tmpfs -o size=128k none " + path("disk") + " && ";
  const std::string fill = "dd if=/dev/zero of=" + path("disk/filler") +
                           " bs=1k count=56 2>/dev/null; " + command("--quiet", "disk/v.db") +
                           "; code=$?; cp " + path("disk/v.db") + " " + path("v.db") +
                           "; exit $code";
  if (run_shell("unshare -m sh -c 'mount -t tmpfs none /mnt'").exit_code != 0)
    GTEST_SKIP() << "mounting is not permitted here";
  const ToolResult result = run_shell("unshare -m sh -c '" + mount + fill + "'");
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_NE(result.err.find("the disk is full"), std::string::npos) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  const StoredRun run = Store(path("v.db")).load_run("latest");
  EXPECT_TRUE(run.finished.empty());
  EXPECT_LT(run.cases.size(), 5U);
  for (const Measurement& c : run.cases) EXPECT_FALSE(c.blocks.empty());
  EXPECT_TRUE(ran_right(run_shell(command("--resume --quiet")))) << "on another disk it goes on";
  EXPECT_EQ(cases().size(), 5U);
}

TEST_F(SuiteRunSlow, AReadOnlyFolderIsOneLineAndCanStillBeRead) {
  write_suite(small_suite({"full"}));
  ASSERT_TRUE(ran_right(run_shell(command("--quiet"))));
  const std::string bind = "unshare -m sh -c 'mount --bind " + path("") + " " + path("") +
                           " && mount -o remount,ro,bind " + path("") + " && ";
  if (run_shell(bind + "true'").exit_code != 0) GTEST_SKIP() << "mounting is not permitted here";
  const ToolResult result = run_shell(bind + command("--quiet") + "'");
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_NE(result.err.find("its file system is read-only"), std::string::npos) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  const ToolResult main_job =
      run_shell(bind + std::string(VIDATTN_TOOL) + " run --grid 1,2,2 --db " + path("v.db") + "'");
  EXPECT_EQ(main_job.exit_code, 3);
  EXPECT_EQ(main_job.out, "") << "nothing was measured";
  EXPECT_EQ(run_shell(bind + std::string(VIDATTN_DRILL_TOOL) + " runs --db " + path("v.db") + "'")
                .exit_code,
            0);
  EXPECT_EQ(cases().size(), 1U);
}

TEST_F(SuiteRunSlow, AWorkloadHasTheNameThatTheSuiteGivesIt) {
  json suite = small_suite({"full", "stga"});
  suite["workloads"][0]["name"] = "a small film";
  write_suite(suite);
  ASSERT_TRUE(ran_right(run_shell(command("--quiet"))));
  for (const auto& [backend, c] : cases()) {
    EXPECT_EQ(c.identity.workload, "a small film") << backend;
    EXPECT_NE(c.command.find("--grid"), std::string::npos) << "the command has its options";
  }
}

TEST_F(SuiteRunSlow, SuiteAndMainJobOptionsDoNotMix) {
  write_suite(small_suite({"full"}));
  EXPECT_EQ(run_shell(command("--backend full")).exit_code, 3);
  EXPECT_EQ(run_tool("run --resume").exit_code, 3);
}

TEST_F(SuiteRunSlow, InputsThatCannotBeUsedAreAFailureThatIsNamed) {
  json suite = small_suite({"moga:num_groups=3", "stga:shots=0,9"});
  suite["workloads"].push_back({{"workload", "tensors:" + path("gone.safetensors")}});
  write_suite(suite);
  const ToolResult result = run_shell(command());
  EXPECT_EQ(result.exit_code, 3) << result.out << result.err;
  std::map<Outcome, int> outcomes;
  for (const Measurement& c : Store(path("v.db")).load_run("latest").cases) {
    ++outcomes[c.outcome];
    if (c.outcome != Outcome::refused) continue;
    EXPECT_NE(c.reason.find("gone.safetensors"), std::string::npos) << c.reason;
    EXPECT_NE(result.out.find("refused: " + c.key()), std::string::npos) << result.out;
  }
  EXPECT_EQ(outcomes, (std::map<Outcome, int>{
                          {Outcome::passed, 1}, {Outcome::skipped, 1}, {Outcome::refused, 2}}));
  const ToolResult quiet = run_shell(command("--quiet"));
  EXPECT_EQ(quiet.exit_code, 3);
  EXPECT_NE(quiet.out.find("gone.safetensors"), std::string::npos) << quiet.out;
}

}  // namespace
}  // namespace vidattn
