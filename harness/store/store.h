#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/block.h"

namespace SQLite {
class Database;
}

namespace vidattn {

/// What became of a case.
///   passed       correct, and timed
///   failed       the equality check did not hold, or the method threw
///   mistrusted   correct, but its times cannot be believed (above the measured peak)
///   skipped      the method does not fit the inputs
///   crashed      its process ended by a signal or an unknown exit code
///   timed out    its process was ended after the time limit
///   out of memory  the memory limit, an allocation that failed, or the system's OOM killer
enum class Outcome { passed, failed, mistrusted, skipped, crashed, timed_out, out_of_memory };
std::string to_string(Outcome outcome);          ///< as above: "timed out"
Outcome parse_outcome(const std::string& text);  ///< throws InputError for any other text

struct StoredMetric {
  std::string unit;
  double value = NAN;  ///< NaN = unknown; then `reason` says why
  std::string reason = {};
};

struct StoredCase {
  int64_t id = 0;  ///< set by the store
  /// What was measured, without how long: equal keys of two runs are the same case.
  std::string key;
  std::string workload, backend, device, dtype;  ///< canonical texts
  std::optional<double> density;                 ///< that the method's knob was set for
  Outcome outcome = Outcome::passed;
  std::string reason;   ///< cause of an outcome other than passed; one line
  std::string note;     ///< e.g. which knob was set for the density
  std::string command;  ///< reproduces the case: arguments of the tool
  std::string process;  ///< equal for cases that were timed in one process, block by block
  std::string started;  ///< UTC, ISO 8601
  double seconds = 0;   ///< the process's whole wall time
  std::optional<int64_t> peak_bytes;  ///< the process's peak resident memory (all of its cases)
  std::map<std::string, StoredMetric> metrics;  ///< by tag, as in `vidattn run --out`
  std::vector<Block> blocks;
  /// timing (warm-up, cache state, seed, why it stopped, interval of the ratio), plan (checksum,
  /// per head and branch, planning stages), workload (sizes, SHA-256 of q, k, v), error output.
  nlohmann::json details = nlohmann::json::object();

  /// A metric's value, NaN when it is unknown or was not measured.
  double metric(const std::string& tag) const;
  bool timed() const { return !blocks.empty(); }
};

/// Ends the suite's name of a run that measured some cases of an earlier run again.
inline constexpr const char* kAgain = " again";

struct StoredRun {
  int64_t id = 0;                 ///< in this store, from 1
  std::string uid;                ///< the same after export and import
  std::string suite;              ///< name
  std::string started, finished;  ///< UTC, ISO 8601; finished is empty for an unfinished run
  std::string revision, machine_key;
  std::vector<std::string> arguments;
  nlohmann::json environment, definition, preflight;  ///< definition: the suite's own JSON
  int64_t case_count = 0;
  std::vector<StoredCase> cases;  ///< by load_run() only
};

/// Runs in one SQLite file (results/vidattn.db). A case is one transaction, synced to the disk,
/// with a rollback journal: a process that is killed at any moment loses at most the case in
/// flight, and the file is whole. All functions throw InputError, in one line, when the file cannot
/// be read or written (no such file, other format, read-only, disk full, locked for 10 s).
///
/// Tables, schema version 1 (PRAGMA user_version; newer ones are refused), application_id "vida":
///   runs(id, uid, suite, started, finished, revision, machine_key, arguments, environment,
///        definition, preflight)                         JSON texts from `arguments` on
///   cases(id, run_id, key, workload, backend, device, dtype, density, outcome, reason, note,
///         command, process, started, seconds, peak_bytes, details)  unique (run_id, key)
///   metrics(case_id, tag, unit, value, reason)           value NULL = unknown
///   blocks(case_id, block, plan_seconds, run_seconds, dense_seconds, peak_flops, position,
///          dense_position, outlier)                     0 = unknown time or peak
class Store {
 public:
  enum class Mode { read, write };
  /// Mode::write creates the file, and its folder, where missing.
  explicit Store(std::filesystem::path path, Mode mode = Mode::read);
  ~Store();
  Store(Store&&) noexcept;

  /// Adds a run without its cases; sets `id`, and `uid` when it is empty.
  void begin_run(StoredRun& run);
  /// Adds a finished case with its metrics and blocks in one transaction; sets `id`.
  void add_case(int64_t run_id, StoredCase& c);
  void finish_run(int64_t run_id, const std::string& finished);

  /// All runs without their cases, oldest first.
  std::vector<StoredRun> list_runs() const;
  /// A run with its cases in the order of their storing. `name` is an id ("3"), a uid or its
  /// beginning (at least 6 characters), "latest", or "latest:SUITE". InputError names the known
  /// runs when there is none.
  StoredRun load_run(const std::string& name) const;
  /// Adds a whole run (import). Returns false, and adds nothing, when its uid is there already.
  bool add_run(StoredRun run);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<SQLite::Database> database_;
};

/// results/vidattn.db, where runs go unless --db says otherwise.
inline const char* const kDefaultStore = "results/vidattn.db";

/// Now, in UTC: 2026-01-31T23:59:59Z.
std::string utc_now();

}  // namespace vidattn
