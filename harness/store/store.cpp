#include "harness/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/store/rows.h"
#include "harness/store/schema.h"

namespace vidattn {
namespace {

constexpr int kBusyMilliseconds = 10'000;

// synchronous=EXTRA also makes the end of a transaction (the journal's removal) durable.
constexpr const char* kSettings =
    "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA foreign_keys=ON; "
    "PRAGMA trusted_schema=OFF;";

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
  } catch (const InputError& error) {
    throw InputError(fmt::format("store {}: {}", in_quotes(path.string()), error.what()));
  }
}

/// What SQLite would take for something else than a file of that name is refused, as is what it
/// would fail on with less to say.
void require_file(const std::filesystem::path& path) {
  const std::string& name = path.native();
  if (name.empty() || name.starts_with(":") || name.starts_with("file:"))
    throw InputError("a file's name is needed");
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) throw InputError("it is a folder");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw InputError("it is a special file");
}

std::unique_ptr<SQLite::Database> connect(const std::filesystem::path& path, bool write) {
  // Read-write even for reading: a transaction that a killed process left is rolled back first.
  auto database = std::make_unique<SQLite::Database>(
      path.string(), SQLite::OPEN_READWRITE | (write ? SQLite::OPEN_CREATE : 0), kBusyMilliseconds);
  database->exec(kSettings);
  if (write) create_schema(*database);
  require_format(*database);
  require_whole(*database);
  if (write) migrate(*database);
  // On a read-only file system SQLite opens it for reading alone and does not say so.
  if (write && sqlite3_db_readonly(database->getHandle(), "main") == 1)
    throw InputError("its file system is read-only");
  return database;
}

/// A store that did not exist; where it cannot be made, nothing is left.
std::unique_ptr<SQLite::Database> create(const std::filesystem::path& path) {
  try {
    return connect(path, true);
  } catch (const SQLite::Exception& error) {
    std::error_code ignored;
    // What another program just makes is not empty, or locked.
    if (error.getErrorCode() != SQLITE_BUSY && std::filesystem::file_size(path, ignored) == 0)
      for (const char* ending : {"", "-journal"})
        std::filesystem::remove(path.string() + ending, ignored);
    throw InputError(cause(error));
  }
}

std::unique_ptr<SQLite::Database> open(const std::filesystem::path& path, Store::Mode mode) {
  const bool write = mode == Store::Mode::write;
  require_file(path);
  if (!write && !std::filesystem::exists(path))
    throw InputError("no such file; `vidattn run SUITE` makes one");
  std::error_code ignored;  // the reason follows from opening
  if (write && path.parent_path() == std::filesystem::path(kDefaultStore).parent_path())
    std::filesystem::create_directories(path.parent_path(), ignored);
  if (path.has_parent_path() && !std::filesystem::is_directory(path.parent_path(), ignored))
    throw InputError("its folder does not exist");
  return std::filesystem::exists(path) ? connect(path, write) : create(path);
}

bool names(const StoredRun& run, const std::string& name) {
  constexpr size_t kLeastUid = 6;
  if (name == "latest") return !run.suite.ends_with(kAgain);  // those are parts of an earlier run
  if (name == "latest:" + run.suite) return true;
  if (name == std::to_string(run.id)) return true;
  return name.size() >= kLeastUid && run.uid.rfind(name, 0) == 0;
}

}  // namespace

Store::Store(std::filesystem::path path, Mode mode)
    : path_(std::move(path)), database_(guarded(path_, [&] { return open(path_, mode); })) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

void Store::begin_run(StoredRun& run) {
  guarded(path_, [&] { insert_run(*database_, run); });
}

void Store::add_case(int64_t run_id, Measurement& c) {
  guarded(path_, [&] {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    insert_case(*database_, run_id, c);
    transaction.commit();
  });
}

void Store::put_cases(int64_t run_id, int64_t kept, std::vector<Measurement> cases) {
  guarded(path_, [&] {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    delete_cases(*database_, run_id, kept);
    for (Measurement& c : cases) insert_case(*database_, run_id, c);
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
  return guarded(path_, [&] { return select_runs(*database_); });
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
  guarded(path_, [&] { run.cases = select_cases(*database_, run.id, require_format(*database_)); });
  return run;
}

std::optional<int64_t> Store::add_run(StoredRun run) {
  return guarded(path_, [&]() -> std::optional<int64_t> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement known(*database_, "SELECT 1 FROM runs WHERE uid=?");
    known.bind(1, run.uid);
    if (known.executeStep()) return std::nullopt;
    insert_run(*database_, run);
    for (Measurement& c : run.cases) insert_case(*database_, run.id, c);
    transaction.commit();
    return run.id;
  });
}

}  // namespace vidattn
