#pragma once

#include "harness/distributed/ranks/communicator.h"
#include "harness/suites/suite_runner.h"

namespace vidattn {

/// `mpirun -n P vidattn run SUITE`: hands the suite's cases to ranks one by one, the next one to
/// who is free first. Each rank measures its cases on cores of its own, which the case's note
/// names, one after the other in processes of their own; rank 0, which measures, too, writes the
/// store and prints. A rank that is lost (no sign of life for `patience` seconds) loses the case
/// that it had, if it had one, where the launcher lets the others live, and the code is then 1
/// unless it would be another one than 0; else the run ends with what is stored. Otherwise as
/// run_suite(options).
ExitCode run_suite_on_ranks(const SuiteOptions& options, double patience);

/// The same on these ranks.
ExitCode run_suite_on_ranks(const SuiteOptions& options, Communicator& world);

}  // namespace vidattn
