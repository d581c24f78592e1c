#include "harness/store/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr int kVersion = 4;
constexpr int kApplicationId = 0x76696461;  // "vida"

constexpr const char* kSchema = R"(
CREATE TABLE runs(
  id INTEGER PRIMARY KEY, uid TEXT UNIQUE NOT NULL, suite TEXT NOT NULL, started TEXT NOT NULL,
  finished TEXT NOT NULL, revision TEXT NOT NULL, machine_key TEXT NOT NULL,
  arguments TEXT NOT NULL, environment TEXT NOT NULL, definition TEXT NOT NULL,
  preflight TEXT NOT NULL);
CREATE TABLE cases(
  id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs(id), key TEXT NOT NULL,
  workload TEXT NOT NULL, backend TEXT NOT NULL, device TEXT NOT NULL, dtype TEXT NOT NULL,
  density REAL, outcome TEXT NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL,
  command TEXT NOT NULL, process TEXT NOT NULL, started TEXT NOT NULL, seconds REAL NOT NULL,
  peak_bytes INTEGER, details TEXT NOT NULL, setting TEXT NOT NULL DEFAULT '',
  cache TEXT NOT NULL DEFAULT 'warm', content TEXT NOT NULL DEFAULT '{}',
  pass TEXT NOT NULL DEFAULT 'forward', UNIQUE(run_id, key));
CREATE TABLE metrics(
  case_id INTEGER NOT NULL REFERENCES cases(id), tag TEXT NOT NULL, unit TEXT NOT NULL, value REAL,
  reason TEXT NOT NULL, PRIMARY KEY(case_id, tag)) WITHOUT ROWID;
CREATE TABLE blocks(
  case_id INTEGER NOT NULL REFERENCES cases(id), block INTEGER NOT NULL,
  plan_seconds REAL NOT NULL, run_seconds REAL NOT NULL, dense_seconds REAL NOT NULL,
  peak_flops REAL NOT NULL, position INTEGER NOT NULL, dense_position INTEGER NOT NULL,
  outlier TEXT NOT NULL, cpu_seconds REAL NOT NULL DEFAULT 0,
  backward_seconds REAL NOT NULL DEFAULT 0,
  PRIMARY KEY(case_id, block)) WITHOUT ROWID;
)";

constexpr const char* kFromOneToTwo = R"(
ALTER TABLE cases ADD COLUMN setting TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN cache TEXT NOT NULL DEFAULT 'warm';
ALTER TABLE cases ADD COLUMN content TEXT NOT NULL DEFAULT '{}';
)";

constexpr const char* kFromTwoToThree =
    "ALTER TABLE blocks ADD COLUMN cpu_seconds REAL NOT NULL DEFAULT 0";

constexpr const char* kFromThreeToFour = R"(
ALTER TABLE cases ADD COLUMN pass TEXT NOT NULL DEFAULT 'forward';
ALTER TABLE blocks ADD COLUMN backward_seconds REAL NOT NULL DEFAULT 0;
)";

int version_of(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

bool is_new(SQLite::Database& database) {
  return database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
}

/// A view in place of a table, or a trigger, would run SQL that the file brings.
void require_plain_tables(SQLite::Database& database) {
  constexpr const char* kTables =
      "SELECT count(*) FROM sqlite_master WHERE type='table' AND sql LIKE 'CREATE TABLE%' AND name "
      "IN "
      "('runs', 'cases', 'metrics', 'blocks')";
  constexpr int kCount = 4;
  if (database.execAndGet(kTables).getInt() != kCount)
    throw InputError("not the tables of vidattn");
  if (database.execAndGet("SELECT count(*) FROM sqlite_master WHERE type='trigger'").getInt() > 0)
    throw InputError("it has triggers, which vidattn's stores have not");
}

}  // namespace

void create_schema(SQLite::Database& database) {
  if (!is_new(database)) return;
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  if (!is_new(database)) return;  // another process was first
  database.exec(kSchema);
  database.exec(
      fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kVersion));
  transaction.commit();
}

int require_format(SQLite::Database& database) {
  const int version = version_of(database);
  if (database.execAndGet("PRAGMA application_id").getInt() != kApplicationId)
    throw InputError("a database, but not of vidattn");
  if (version < 1 || version > kVersion)
    throw InputError(
        fmt::format("schema version {}, this program knows 1 to {}", version, kVersion));
  require_plain_tables(database);
  return version;
}

void require_whole(SQLite::Database& database) {
  const auto require_none = [&](const char* lost, const char* what) {
    const int count = database.execAndGet(std::string("SELECT count(*) FROM ") + lost).getInt();
    if (count > 0)
      throw InputError(fmt::format(
          "{} {}, which were deleted or altered by hand: take an older copy of the file", count,
          what));
  };
  require_none("cases WHERE run_id NOT IN (SELECT id FROM runs)",
               "of its cases are of missing runs");
  for (const char* table : {"metrics", "blocks"})
    require_none(fmt::format("(SELECT DISTINCT case_id FROM {}) WHERE case_id NOT IN (SELECT id "
                             "FROM cases)",
                             table)
                     .c_str(),
                 fmt::format("of the cases in its table {} are missing", table).c_str());
}

void migrate(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int version = version_of(database);
  if (version == kVersion) return;
  if (version < 2) database.exec(kFromOneToTwo);
  if (version < 3) database.exec(kFromTwoToThree);
  database.exec(kFromThreeToFour);
  database.exec(fmt::format("PRAGMA user_version={}", kVersion));
  transaction.commit();
}

}  // namespace vidattn
