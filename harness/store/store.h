#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/store/default_store.h"
#include "harness/store/run.h"

namespace SQLite {
class Database;
}

namespace vidattn {

/// Runs in one SQLite file (results/vidattn.db). A case is one transaction, synced to the disk,
/// with a rollback journal: a process that is killed at any moment loses at most the case in
/// flight, and the file is whole. All functions throw InputError, in one line, when the file cannot
/// be read or written (no such file, other format, rows without what they belong to, read-only,
/// disk full, locked for 10 s).
///
/// Tables, schema version 4 (PRAGMA user_version), application_id "vida":
///   runs(id, uid, suite, started, finished, revision, machine_key, arguments, environment,
///        definition, preflight)                         JSON texts from `arguments` on
///   cases(id, run_id, key, workload, backend, device, dtype, density, outcome, reason, note,
///         command, process, started, seconds, peak_bytes, details, setting, cache, content,
///         pass)
///                                                        unique (run_id, key); details and content
///                                                        are JSON texts (measurement_json.h)
///   metrics(case_id, tag, unit, value, reason)           value NULL = unknown
///   blocks(case_id, block, plan_seconds, run_seconds, dense_seconds, peak_flops, position,
///          dense_position, outlier, cpu_seconds, backward_seconds)
///                                                        0 = unknown time or peak
/// Version 1 has no setting, cache and content, version 2 no cpu_seconds, version 3 no pass and
/// backward_seconds: they are read as they are, and brought to version 4 when they are opened for
/// writing. Newer versions are refused.
class Store {
 public:
  enum class Mode { read, write };
  /// A path names a regular file: not an empty name, which SQLite takes for a passing database, nor
  /// its ":memory:" and "file:" URIs. Mode::write creates the file where it is missing, and the
  /// folder of the default one.
  explicit Store(std::filesystem::path path, Mode mode = Mode::read);
  ~Store();
  Store(Store&&) noexcept;

  /// Adds a run without its cases; sets `id`, and `uid` when it is empty.
  void begin_run(StoredRun& run);
  /// Adds a finished case with its metrics and blocks in one transaction; sets `id`.
  void add_case(int64_t run_id, Measurement& c);
  /// Puts cases in place of all but the first `kept` ones of a run, in one transaction.
  void put_cases(int64_t run_id, int64_t kept, std::vector<Measurement> cases);
  void finish_run(int64_t run_id, const std::string& finished);

  /// All runs without their cases, oldest first.
  std::vector<StoredRun> list_runs() const;
  /// A run with its cases in the order of their storing. `name` is an id ("3"), a uid or its
  /// beginning (at least 6 characters), "latest", or "latest:SUITE". InputError names the known
  /// runs when there is none.
  StoredRun load_run(const std::string& name) const;
  /// Adds a whole run (import), in one transaction. Returns its id, or nothing, and adds nothing,
  /// when its uid is there already.
  std::optional<int64_t> add_run(StoredRun run);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<SQLite::Database> database_;
};

}  // namespace vidattn
