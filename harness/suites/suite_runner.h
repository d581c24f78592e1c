#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/store/default_store.h"
#include "harness/suites/shards/shard.h"

namespace vidattn {

struct CaseRequest;
struct Measurement;
struct ProcessLimits;
class Store;
struct Suite;

struct SuiteOptions {
  std::string suite;                   ///< file or name of a ready suite
  std::string db = kDefaultStore;      ///< of a shard: shard_store() of the default unless given
  bool resume = false;                 ///< carry on the suite's last run
  std::optional<Shard> shard;          ///< its cases alone, and with `resume` a run that may be new
  std::optional<double> case_seconds;  ///< time limit of a case in place of the suite's
  std::optional<double> memory_gib;    ///< memory limit of a case in place of the suite's
  bool quiet = false;                  ///< no line per case, no tables
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// Measures one case of a suite in a process of its own. Never throws for what happens inside it:
/// crash, time-out, lack of memory are outcomes. Nullopt after an interrupt.
std::optional<Measurement> run_case(const CaseRequest& request, const ProcessLimits& limits);

/// The cases that a run has left to measure.
struct CasesToRun {
  const Suite& suite;
  const std::vector<size_t>& places;  ///< of them in the suite
  const ProcessLimits& limits;        ///< of each
  /// To be called with each case as it ends, in any order, by the thread that was called. Throws
  /// InputError where it cannot be stored.
  const std::function<void(size_t place, Measurement)>& done;
};
/// Measures them all, or fewer after an interrupt.
using MeasureCases = std::function<void(const CasesToRun&)>;
void one_by_one(const CasesToRun& cases);

/// The suite of the options, or their shard of it, with the limits of the command line in place of
/// its own. Throws InputError.
Suite suite_to_run(const SuiteOptions& options);

/// Measures a suite's cases and stores each as it finishes. Returns the run's id in
/// the store; it is unfinished after an interrupt. Throws InputError for a suite or store that
/// cannot be used, a store that cannot be written any more, and with `resume` when there is nothing
/// that this program on this machine could carry on.
int64_t run_suite(const Suite& suite, Store& store, const SuiteOptions& options,
                  const MeasureCases& measure = one_by_one);

/// `vidattn run SUITE`: the above, with a table at the end. Returns the exit code: 0 when every
/// case passed or was skipped with a reason, 1 when one failed, crashed, or ran out of time or
/// memory, 3 when the inputs of one were refused, 2 when one is mistrusted, the preflight is
/// invalid, or nothing could run.
ExitCode run_suite(const SuiteOptions& options, const MeasureCases& measure = one_by_one);

/// `vidattn run SUITE --slurm N`: prints the batch script (slurm.h) and runs nothing. Throws
/// InputError for a suite that cannot be used, or that has fewer cases.
void print_slurm_script(const SuiteOptions& options, int64_t shards);

}  // namespace vidattn
