#pragma once

#include <string>
#include <vector>

#include "harness/store/run.h"
#include "harness/workloads/capture/calls.h"

namespace vidattn {

/// A run of `vidattn run` or `sweep`, whose cases share one workload, or are of several calls of a
/// capture.
struct MainJob {
  StoredRun run;
  WorkloadFacts workload;              ///< of several calls the first one
  std::vector<Unreadable> unreadable;  ///< calls that are missing
  bool interrupted = false;
  int64_t repeat = 0, steps = 0, layers = 0;
  std::vector<double> densities;
  std::vector<double> fma_peak_gflops;  ///< measured between the blocks
  nlohmann::json devices;               ///< facts by name
};

/// What `vidattn run --out` writes: schema version, environment, arguments, workload with the
/// SHA-256 of its tensors, peaks, and every case; of several calls of a capture the workload of
/// each case, and `over_calls` (over_calls_json.h), of a denoising run `over_steps`
/// (over_steps_json.h); `unreadable` {source, reason}, if any.
nlohmann::json main_job_record(const MainJob& job);

/// The inverse, for this schema version and for 1.0 and 1.1. The run has no uid and no times of its
/// own; its suite is the command's name, run or sweep. Throws InputError for anything else.
MainJob main_job_from_record(const JsonReader& record);

/// Whether a text names a stored run (FILE.json or run:NAME), as opposed to a backend.
bool names_run(const std::string& text);

/// A run with its cases, from
///   FILE.json  what `vidattn run --out` or `sweep --out` wrote, or `vidattn export` of one run
///   run:NAME   a run of the store: an id, a uid or its beginning, latest, or latest:SUITE
/// `db` is the store's file; empty = the default one. Throws InputError naming what cannot be read.
StoredRun read_run(const std::string& text, const std::string& db);

}  // namespace vidattn
