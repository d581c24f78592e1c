#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/host/preflight.h"
#include "harness/io/json_reader.h"
#include "harness/measure/record/measurement.h"

namespace vidattn {

/// Version of the records of runs and cases: files of `run --out`, `export` and `case --json`.
/// Raised when a field changes its meaning or goes away; new fields raise the minor number.
///   1.0, 1.1  two shapes: files of `run --out` (times in details.plan_seconds and run_seconds,
///             backend as it ran) and exports (blocks, backend as asked for)
///   2.0       one shape of a case for all (measurement_json.h): identity with content, setting,
///             blocks everywhere; share_of_peak for the storage type in place of share_of_fma_peak
///   2.1       cpu_seconds of every block; the outcome refused
///   2.3       ranks of a case: how even its plan is over them
///   3.0       the density that a case was asked for is its `density_target`; it was `density`, as
///   the
///             measured one is among the metrics
/// Older files are still read.
inline constexpr const char* kRecordVersion = "3.0";
/// Whether cases of this version have the shape of 2.0 and newer.
inline bool has_one_shape(const std::string& version) {
  return version.starts_with("2.") || version.starts_with("3.");
}

/// Ends the suite's name of a run that measured some cases of an earlier run again.
inline constexpr const char* kAgain = " again";

/// A run and what it was made of.
struct StoredRun {
  int64_t id = 0;                 ///< in its store, from 1
  std::string uid;                ///< the same after export and import
  std::string suite;              ///< name
  std::string started, finished;  ///< UTC, ISO 8601; finished is empty for an unfinished run
  std::string revision, machine_key;
  std::vector<std::string> arguments;
  nlohmann::json environment;  ///< check_environment() holds
  nlohmann::json definition;   ///< the suite's own JSON; null = no suite
  std::vector<PreflightCheck> preflight;
  int64_t case_count = 0;
  std::vector<Measurement> cases;
};

/// Sets the environment and what follows from it: revision and machine_key. Throws InputError
/// unless it has the parts machine and software.
void set_environment(StoredRun& run, const JsonReader& environment);

/// The suite's name of a run of one command, from its command line: "run" or "sweep".
std::string command_name(const std::vector<std::string>& arguments);

}  // namespace vidattn
