#pragma once

#include <string>
#include <vector>

#include "attention/dtype.h"
#include "harness/host/exit_code.h"
#include "harness/measure/record/pass.h"
#include "harness/report/columns.h"
#include "harness/workloads/selection/choose_calls.h"

namespace vidattn {

struct RunOptions {
  WorkloadRequest workload;
  CallSelection calls;                ///< of a capture; where it leaves several, all are measured
  std::vector<std::string> backends;  ///< NAME[:key=value,…]
  std::vector<std::string> devices = {"cpu"};
  std::vector<DType> dtypes = {DType::f32};
  Pass pass = Pass::forward;        ///< what is timed
  std::vector<double> densities;    ///< solve each backend's knob for these; empty = as given
  int64_t steps = 50, layers = 30;  ///< of the denoising run whose mean density is reported
  bool steps_given = false, layers_given = false;  ///< somebody said these two
  /// Timed blocks, each runs every backend once; 0 = at least 6, as an interval
  /// needs, and up to 10 within 3 s.
  int repeat = 0;
  std::string out;                     ///< JSON file; empty = none
  std::string db;                      ///< store that the run is added to; empty = none
  bool carry = false;                  ///< over the steps of a capture; runs of steps always do
  std::vector<int64_t> ranks;          ///< numbers of ranks to find the balance over
  bool whole = false;                  ///< run full attention whole, however long it takes
  ColumnChoice columns;                ///< of the printed table
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// The main job: builds the workload, or reads the calls of a capture one after the other; checks
/// every backend against the reference device, measures the passing ones in interleaved blocks;
/// prints the table, writes options.out and adds the run to the store options.db: what is finished
/// is there at once, whatever becomes of the rest (kept_results.h). Returns the exit
/// code: 0 when every case passed or was skipped with a reason, 1 when one failed or ran out of
/// memory, 3 when one of several calls could not be read, 2 when a case is mistrusted. After an
/// interrupt, what was measured is still printed and written. Throws InputError when no case can
/// run.
ExitCode run(const RunOptions& options);

}  // namespace vidattn
