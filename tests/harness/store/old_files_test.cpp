// What older programs wrote: a file of `run --out` of schema 1.1, an export of 1.0, and a store of
// version 1 as the SQL that makes it.
#include <SQLiteCpp/SQLiteCpp.h>

#include "harness/measure/record/catalogue.h"
#include "harness/store/export.h"
#include "harness/store/history.h"
#include "harness/store/run_file.h"
#include "harness/store/store.h"
#include "tests/harness/files.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

const std::string kOld = VIDATTN_SOURCE_DIR "/tests/harness/store/old/";

void expect_whole(const Measurement& m) {
  EXPECT_EQ(m.outcome, Outcome::passed) << m.reason;
  EXPECT_EQ(m.blocks.size(), 2U);
  EXPECT_GT(m.blocks[0].dense_seconds, 0);
  EXPECT_EQ(m.plan.checksum.size(), 16U);
  EXPECT_EQ(m.plan.branches.size(), 1U);
  EXPECT_EQ(m.identity.content.at("q").size(), 64U);
  EXPECT_EQ(m.identity.content.at("geometry"), "3x4x5, shots 0, text 0");
  ASSERT_TRUE(m.workload);
  EXPECT_EQ(m.workload->length, 60);
  for (const char* tag : {"density", "ratio", "share_of_peak", "relative_l2", "total_time"})
    EXPECT_TRUE(std::isfinite(m.metric(tag))) << tag;
}

TEST(StoreOld, AFileOfRunIsRead) {
  const StoredRun run = read_run(kOld + "run_1_1.json", "");
  ASSERT_EQ(run.cases.size(), 5U);
  EXPECT_EQ(run.revision, "adc8cf7");
  for (size_t i : {0, 1}) expect_whole(run.cases[i]);
  EXPECT_EQ(run.cases[1].setting, "moga:num_groups=4");
  EXPECT_EQ(run.cases[1].key(), "moga:num_groups=4 on cpu f32, film 60 tokens 1 heads of 16");
  EXPECT_EQ(run.cases[2].outcome, Outcome::skipped);
  EXPECT_EQ(run.cases[3].outcome, Outcome::interrupted);
  EXPECT_EQ(run.cases[4].outcome, Outcome::out_of_memory);
}

TEST(StoreOld, AnExportIsRead) {
  const auto runs = read_export(kOld + "export_1_0.json");
  ASSERT_EQ(runs.size(), 1U);
  ASSERT_EQ(runs[0].cases.size(), 3U);
  for (size_t i : {0, 1}) expect_whole(runs[0].cases[i]);
  const Measurement& moga = runs[0].cases[1];
  EXPECT_EQ(moga.key(),
            "moga on cpu f32 at density 0.5, film --grid 3,4,5 --heads 1 --dim 16 --seed 1");
  EXPECT_EQ(moga.timing->stopped_by, "time");
  EXPECT_FALSE(moga.identity.cold);
}

class OldStore : public ::testing::Test {
 protected:
  void SetUp() override {
    SQLite::Database(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec(testing::read_bytes(kOld + "store_1.sql"));
  }
  std::string path() const { return (folder_ / "old.db").string(); }
  int version() const {
    return SQLite::Database(path()).execAndGet("PRAGMA user_version").getInt();
  }
  static void expect_cases(const Store& store) {
    const StoredRun main_job = store.load_run("1"), suite = store.load_run("2");
    expect_whole(main_job.cases.at(0));
    EXPECT_EQ(main_job.cases.at(2).outcome, Outcome::interrupted) << "it stood as a skip";
    expect_whole(suite.cases.at(1));
    EXPECT_EQ(suite.cases.at(2).outcome, Outcome::skipped);
    // Full attention of both has the same inputs, whatever it was called.
    EXPECT_TRUE(same_case(main_job.cases.at(0).identity, suite.cases.at(0).identity));
    const auto series = find_series(store, {});
    ASSERT_EQ(series.size(), 3U);
    EXPECT_EQ(series[0].key.substr(0, 4), "full");
    EXPECT_EQ(series[0].points.size(), 2U);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(OldStore, IsReadAsItIs) {
  expect_cases(Store(path()));
  EXPECT_EQ(version(), 1);
}

TEST_F(OldStore, IsBroughtUpToDateByTheFirstWriter) {
  StoredRun added = Store(path()).load_run("2");
  added.uid.clear();
  {
    Store store(path(), Store::Mode::write);
    EXPECT_TRUE(store.add_run(added));
  }
  EXPECT_EQ(version(), 4);
  const Store store(path());
  EXPECT_EQ(store.load_run("3").cases.size(), added.cases.size());
  EXPECT_EQ(to_json(store.load_run("3")).at("cases"), to_json(store.load_run("2")).at("cases"));
}

}  // namespace
}  // namespace vidattn
