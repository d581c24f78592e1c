#include "harness/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x76696461;  // "vida"
constexpr int kBusyMilliseconds = 10'000;

// synchronous=EXTRA also makes the end of a transaction (the journal's removal) durable.
constexpr const char* kSettings =
    "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA foreign_keys=ON;";

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
  peak_bytes INTEGER, details TEXT NOT NULL, UNIQUE(run_id, key));
CREATE TABLE metrics(
  case_id INTEGER NOT NULL REFERENCES cases(id), tag TEXT NOT NULL, unit TEXT NOT NULL, value REAL,
  reason TEXT NOT NULL, PRIMARY KEY(case_id, tag)) WITHOUT ROWID;
CREATE TABLE blocks(
  case_id INTEGER NOT NULL REFERENCES cases(id), block INTEGER NOT NULL,
  plan_seconds REAL NOT NULL, run_seconds REAL NOT NULL, dense_seconds REAL NOT NULL,
  peak_flops REAL NOT NULL, position INTEGER NOT NULL, dense_position INTEGER NOT NULL,
  outlier TEXT NOT NULL, PRIMARY KEY(case_id, block)) WITHOUT ROWID;
)";

constexpr std::pair<Outcome, const char*> kOutcomes[] = {{Outcome::passed, "passed"},
                                                         {Outcome::failed, "failed"},
                                                         {Outcome::mistrusted, "mistrusted"},
                                                         {Outcome::skipped, "skipped"},
                                                         {Outcome::crashed, "crashed"},
                                                         {Outcome::timed_out, "timed out"},
                                                         {Outcome::out_of_memory, "out of memory"}};

// What a person can do about the errors that are not a defect of the program.
std::string cause(const SQLite::Exception& error) {
  const int extended = error.getExtendedErrorCode();
  if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)
    return "the same case or run is in it already: is another program writing to that run?";
  switch (error.getErrorCode()) {
    case SQLITE_FULL:
      return "the disk is full";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "the file or its folder is not readable and writable";
    case SQLITE_BUSY:
      return "another program holds it locked";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return "not a vidattn store, or damaged";
    default:
      return error.what();
  }
}

/// Runs `work`; what SQLite throws becomes one line with the file's name.
template <class Work>
auto guarded(const std::filesystem::path& path, Work work) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    throw InputError(fmt::format("store {}: {}; what it held before is unchanged",
                                 in_quotes(path.string()), cause(error)));
  } catch (const json::exception&) {
    throw InputError(
        fmt::format("store {}: damaged: a text in it is no JSON", in_quotes(path.string())));
  } catch (const InputError& error) {
    throw InputError(fmt::format("store {}: {}", in_quotes(path.string()), error.what()));
  }
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void bind_number(SQLite::Statement& statement, int index, double value) {
  if (std::isfinite(value))
    statement.bind(index, value);
  else
    statement.bind(index);  // NULL
}

std::string make_uid() {
  std::random_device random;  // not seeded: two machines must never make the same one
  return fmt::format("{:08x}{:08x}", random(), random());
}

void require_format(SQLite::Database& database) {
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (database.execAndGet("PRAGMA application_id").getInt() != kApplicationId)
    throw InputError("a database, but not of vidattn");
  if (version != kSchemaVersion)
    throw InputError(
        fmt::format("schema version {}, this program knows {}", version, kSchemaVersion));
}

bool is_new(SQLite::Database& database) {
  return database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
}

void create_schema(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  if (!is_new(database)) return;  // another process was first
  database.exec(kSchema);
  database.exec(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId,
                            kSchemaVersion));
  transaction.commit();
}

std::unique_ptr<SQLite::Database> open(const std::filesystem::path& path, Store::Mode mode) {
  const bool write = mode == Store::Mode::write;
  if (!write && !std::filesystem::exists(path))
    throw InputError("no such file; `vidattn run SUITE` makes one");
  std::error_code ignored;  // the reason follows from opening
  if (write && path.has_parent_path())
    std::filesystem::create_directories(path.parent_path(), ignored);
  // Read-write even for reading: a transaction that a killed process left is rolled back first.
  auto database = std::make_unique<SQLite::Database>(
      path.string(), SQLite::OPEN_READWRITE | (write ? SQLite::OPEN_CREATE : 0), kBusyMilliseconds);
  database->exec(kSettings);
  if (write && is_new(*database)) create_schema(*database);
  require_format(*database);
  return database;
}

StoredRun read_run(SQLite::Statement& row) {
  StoredRun run;
  int c = 0;
  run.id = row.getColumn(c++).getInt64();
  run.uid = row.getColumn(c++).getString();
  run.suite = row.getColumn(c++).getString();
  run.started = row.getColumn(c++).getString();
  run.finished = row.getColumn(c++).getString();
  run.revision = row.getColumn(c++).getString();
  run.machine_key = row.getColumn(c++).getString();
  run.arguments = json::parse(row.getColumn(c++).getString()).get<std::vector<std::string>>();
  run.environment = json::parse(row.getColumn(c++).getString());
  run.definition = json::parse(row.getColumn(c++).getString());
  run.preflight = json::parse(row.getColumn(c++).getString());
  run.case_count = row.getColumn(c++).getInt64();
  return run;
}

StoredCase read_case(SQLite::Statement& row) {
  StoredCase c;
  int i = 0;
  c.id = row.getColumn(i++).getInt64();
  for (std::string* text : {&c.key, &c.workload, &c.backend, &c.device, &c.dtype})
    *text = row.getColumn(i++).getString();
  if (!row.getColumn(i).isNull()) c.density = row.getColumn(i).getDouble();
  c.outcome = parse_outcome(row.getColumn(++i).getString());
  ++i;
  for (std::string* text : {&c.reason, &c.note, &c.command, &c.process, &c.started})
    *text = row.getColumn(i++).getString();
  c.seconds = row.getColumn(i++).getDouble();
  if (!row.getColumn(i).isNull()) c.peak_bytes = row.getColumn(i).getInt64();
  c.details = json::parse(row.getColumn(++i).getString());
  return c;
}

void read_metrics(const SQLite::Database& database, StoredCase& c) {
  SQLite::Statement row(database, "SELECT tag, unit, value, reason FROM metrics WHERE case_id=?");
  row.bind(1, c.id);
  while (row.executeStep())
    c.metrics[row.getColumn(0).getString()] = {
        row.getColumn(1).getString(),
        row.getColumn(2).isNull() ? NAN : row.getColumn(2).getDouble(),
        row.getColumn(3).getString()};
}

/// A block has no room for NULL: what is unknown is stored as 0.
double known(double seconds) { return seconds > 0 ? seconds : NAN; }

void read_blocks(const SQLite::Database& database, StoredCase& c) {
  SQLite::Statement row(database,
                        "SELECT block, plan_seconds, run_seconds, dense_seconds, peak_flops, "
                        "position, dense_position, outlier FROM blocks WHERE case_id=? "
                        "ORDER BY block");
  row.bind(1, c.id);
  while (row.executeStep())
    c.blocks.push_back({row.getColumn(0).getInt64(), row.getColumn(1).getDouble(),
                        row.getColumn(2).getDouble(), known(row.getColumn(3).getDouble()),
                        row.getColumn(4).getDouble(), row.getColumn(5).getInt64(),
                        row.getColumn(6).getInt64(), row.getColumn(7).getString()});
}

void insert_run(SQLite::Database& database, StoredRun& run) {
  if (run.uid.empty()) run.uid = make_uid();
  SQLite::Statement row(database,
                        "INSERT INTO runs(uid, suite, started, finished, revision, machine_key, "
                        "arguments, environment, definition, preflight) "
                        "VALUES(?,?,?,?,?,?,?,?,?,?)");
  int i = 1;
  for (const std::string* text :
       {&run.uid, &run.suite, &run.started, &run.finished, &run.revision, &run.machine_key})
    row.bind(i++, *text);
  row.bind(i++, text_of(run.arguments));
  for (const json* part : {&run.environment, &run.definition, &run.preflight})
    row.bind(i++, text_of(*part));
  row.exec();
  run.id = database.getLastInsertRowid();
}

void insert_case(SQLite::Database& database, int64_t run_id, StoredCase& c) {
  SQLite::Statement row(database,
                        "INSERT INTO cases(run_id, key, workload, backend, device, dtype, density, "
                        "outcome, reason, note, command, process, started, seconds, peak_bytes, "
                        "details) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  row.bind(1, run_id);
  int i = 2;
  for (const std::string* text : {&c.key, &c.workload, &c.backend, &c.device, &c.dtype})
    row.bind(i++, *text);
  bind_number(row, i++, c.density.value_or(NAN));
  row.bind(i++, to_string(c.outcome));
  for (const std::string* text : {&c.reason, &c.note, &c.command, &c.process, &c.started})
    row.bind(i++, *text);
  row.bind(i++, c.seconds);
  if (c.peak_bytes) row.bind(i, *c.peak_bytes);
  row.bind(++i, text_of(c.details));
  row.exec();
  c.id = database.getLastInsertRowid();
}

void insert_metrics(SQLite::Database& database, const StoredCase& c) {
  SQLite::Statement row(database, "INSERT INTO metrics VALUES(?,?,?,?,?)");
  for (const auto& [tag, metric] : c.metrics) {
    row.reset();
    row.clearBindings();
    row.bind(1, c.id);
    row.bind(2, tag);
    row.bind(3, metric.unit);
    bind_number(row, 4, metric.value);
    row.bind(5, metric.reason);
    row.exec();
  }
}

void insert_blocks(SQLite::Database& database, const StoredCase& c) {
  SQLite::Statement row(database, "INSERT INTO blocks VALUES(?,?,?,?,?,?,?,?,?)");
  for (const Block& b : c.blocks) {
    row.reset();
    row.bind(1, c.id);
    row.bind(2, b.index);
    int i = 3;
    for (double value : {b.plan_seconds, b.run_seconds, b.dense_seconds, b.peak_flops})
      row.bind(i++, std::isfinite(value) ? value : 0);
    row.bind(i++, b.position);
    row.bind(i++, b.dense_position);
    row.bind(i, b.outlier);
    row.exec();
  }
}

void insert_whole_case(SQLite::Database& database, int64_t run_id, StoredCase& c) {
  insert_case(database, run_id, c);
  insert_metrics(database, c);
  insert_blocks(database, c);
}

bool names(const StoredRun& run, const std::string& name) {
  constexpr size_t kLeastUid = 6;
  if (name == "latest") return !run.suite.ends_with(kAgain);  // those are parts of an earlier run
  if (name == "latest:" + run.suite) return true;
  if (name == std::to_string(run.id)) return true;
  return name.size() >= kLeastUid && run.uid.rfind(name, 0) == 0;
}

}  // namespace

std::string to_string(Outcome outcome) {
  for (const auto& [known, text] : kOutcomes)
    if (known == outcome) return text;
  throw std::logic_error("unknown outcome");
}

Outcome parse_outcome(const std::string& text) {
  for (const auto& [outcome, known] : kOutcomes)
    if (known == text) return outcome;
  throw InputError("damaged: unknown outcome " + in_quotes(text));
}

double StoredCase::metric(const std::string& tag) const {
  const auto found = metrics.find(tag);
  return found == metrics.end() ? NAN : found->second.value;
}

Store::Store(std::filesystem::path path, Mode mode)
    : path_(std::move(path)), database_(guarded(path_, [&] { return open(path_, mode); })) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

void Store::begin_run(StoredRun& run) {
  guarded(path_, [&] { insert_run(*database_, run); });
}

void Store::add_case(int64_t run_id, StoredCase& c) {
  guarded(path_, [&] {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    insert_whole_case(*database_, run_id, c);
    transaction.commit();
  });
}

void Store::finish_run(int64_t run_id, const std::string& finished) {
  guarded(path_, [&] {
    SQLite::Statement row(*database_, "UPDATE runs SET finished=? WHERE id=?");
    row.bind(1, finished);
    row.bind(2, run_id);
    row.exec();
  });
}

std::vector<StoredRun> Store::list_runs() const {
  return guarded(path_, [&] {
    std::vector<StoredRun> runs;
    SQLite::Statement row(*database_,
                          "SELECT id, uid, suite, started, finished, revision, machine_key, "
                          "arguments, environment, definition, preflight, "
                          "(SELECT count(*) FROM cases WHERE run_id=runs.id) FROM runs "
                          "ORDER BY id");
    while (row.executeStep()) runs.push_back(read_run(row));
    return runs;
  });
}

StoredRun Store::load_run(const std::string& name) const {
  std::vector<StoredRun> runs = list_runs();
  const auto found =
      std::find_if(runs.rbegin(), runs.rend(), [&](const auto& run) { return names(run, name); });
  if (found == runs.rend()) {
    std::string known;
    for (const StoredRun& run : runs)
      known +=
          fmt::format("{}{} ({}, {})", known.empty() ? "" : ", ", run.id, run.suite, run.started);
    throw InputError(fmt::format("store {}: no run {}; there {}", in_quotes(path_.string()),
                                 in_quotes(name), known.empty() ? "are none" : "are " + known));
  }
  StoredRun run = std::move(*found);
  guarded(path_, [&] {
    SQLite::Statement row(*database_,
                          "SELECT id, key, workload, backend, device, dtype, density, outcome, "
                          "reason, note, command, process, started, seconds, peak_bytes, details "
                          "FROM cases WHERE run_id=? ORDER BY id");
    row.bind(1, run.id);
    while (row.executeStep()) run.cases.push_back(read_case(row));
    for (StoredCase& c : run.cases) {
      read_metrics(*database_, c);
      read_blocks(*database_, c);
    }
  });
  return run;
}

bool Store::add_run(StoredRun run) {
  return guarded(path_, [&] {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement known(*database_, "SELECT 1 FROM runs WHERE uid=?");
    known.bind(1, run.uid);
    if (known.executeStep()) return false;
    insert_run(*database_, run);
    for (StoredCase& c : run.cases) insert_whole_case(*database_, run.id, c);
    transaction.commit();
    return true;
  });
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace vidattn
