// Stores whose columns were altered by hand.
#include <SQLiteCpp/SQLiteCpp.h>

#include "harness/io/one_line.h"
#include "harness/store/store.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::stored_case;
using testing::stored_run;

class AlteredStore : public ::testing::Test {
 protected:
  void SetUp() override {
    StoredRun run = stored_run();
    run.cases = {stored_case("one")};
    Store(path(), Store::Mode::write).add_run(run);
    execute("PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, 'NOT NULL', '')");
  }
  std::string path() const { return (folder_ / "a.db").string(); }
  void execute(const std::string& sql) const {
    SQLite::Database database(path(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY");
    database.exec(sql);
  }
  std::vector<std::string> columns(const std::string& table) const {
    const SQLite::Database database(path());
    SQLite::Statement row(database, "SELECT name FROM pragma_table_info('" + table + "')");
    std::vector<std::string> names;
    while (row.executeStep()) names.push_back(row.getColumn(0).getString());
    return names;
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(AlteredStore, EveryColumnIsReadOrRefusedInOneLine) {
  int refused = 0;
  for (const char* table : {"runs", "cases", "metrics", "blocks"})
    for (const std::string& column : columns(table)) {
      if (column == "id" || column.ends_with("_id")) continue;
      for (const char* value : {"NULL", "5", "-1", "1e300", "'x'", "x'00ff'", "'[1]'", "'{'", "'5'",
                                "'null'", "'a' || char(10)", "'{\"a\": [{}]}'"}) {
        const std::filesystem::path before = path() + ".before";
        std::filesystem::copy_file(path(), before);
        execute(std::string("UPDATE OR IGNORE ") + table + " SET " + column + "=" + value);
        try {
          Store(path()).load_run("1");
        } catch (const InputError& error) {
          ++refused;
          EXPECT_TRUE(is_one_line(error.what())) << error.what();
          EXPECT_NE(std::string(error.what()).find("a.db"), std::string::npos) << error.what();
        }
        std::filesystem::rename(before, path());
      }
    }
  EXPECT_GT(refused, 150);
}

TEST_F(AlteredStore, NamesTheRowAndTheColumn) {
  execute("UPDATE cases SET details='{\"timing\": {\"seconds\": \"x\"}}'");
  expect_input_error([&] { Store(path()).load_run("1"); },
                     "case 1 details: timing.seconds: expected a number, found \"x\"");
  execute("UPDATE cases SET seconds='long'");
  expect_input_error([&] { Store(path()).load_run("1"); },
                     "case 1 seconds: expected a number from 0 to 1e+12, found \"long\"");
  execute("UPDATE runs SET environment='" + std::string(200'000, '[') + "'");
  expect_input_error([&] { Store(path()).list_runs(); }, "run 1 environment: nested deeper");
}

TEST_F(AlteredStore, RowsWithoutWhatTheyBelongToAreNamed) {
  const std::string off = "PRAGMA foreign_keys=OFF; ";
  for (const auto& [sql, part] : std::vector<std::pair<std::string, std::string>>{
           {"DELETE FROM runs", "1 of its cases are of missing runs, which were deleted"},
           {"UPDATE cases SET run_id=7", "1 of its cases are of missing runs"},
           {"UPDATE cases SET run_id='x'", "1 of its cases are of missing runs"},
           {"DELETE FROM cases", "1 of the cases in its table metrics are missing"},
           {"DELETE FROM cases; DELETE FROM metrics", "in its table blocks are missing"}}) {
    const std::filesystem::path before = path() + ".before";
    std::filesystem::copy_file(path(), before);
    execute(off + sql);
    for (const auto mode : {Store::Mode::read, Store::Mode::write})
      expect_input_error([&] { Store(path(), mode); }, part);
    std::filesystem::rename(before, path());
  }
  EXPECT_EQ(Store(path()).list_runs().size(), 1U);
}

TEST_F(AlteredStore, NoSqlOfTheFileIsRun) {
  const std::string endless =
      "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n)";
  execute("CREATE VIEW mine AS SELECT " + endless);  // never asked
  EXPECT_EQ(Store(path()).list_runs().size(), 1U);
  execute("CREATE TRIGGER t BEFORE INSERT ON runs BEGIN SELECT " + endless + "; END");
  expect_input_error([&] { Store(path(), Store::Mode::write); }, "triggers");
  execute("DROP TRIGGER t; ALTER TABLE runs RENAME TO kept; CREATE VIEW runs AS SELECT *, " +
          endless + " FROM kept");
  expect_input_error([&] { Store(path()).list_runs(); }, "not the tables of vidattn");
}

}  // namespace
}  // namespace vidattn
