#pragma once

#include <functional>
#include <string>
#include <vector>

#include "attention/error.h"
#include "harness/distributed/ranks/communicator.h"
#include "harness/host/exit_code.h"

namespace vidattn {

/// What every rank refuses alike before it has begun, so that the first one's line is enough.
class RefusedByAll : public InputError {
 public:
  using InputError::InputError;
};

/// What a run is refused for, of what each rank found wrong (empty = nothing): what the first of
/// them found, its rank in front unless all found the same. Empty where none did.
std::string fault_of_all(const std::vector<std::string>& faults);

/// What every rank could do, or none goes on: calls `work` on each; where it throws InputErrors,
/// all ranks throw one with their fault_of_all(). Where ranks wait for each other inside, all or
/// none must throw.
void agree(Communicator& world, const std::function<void()>& work);

/// Runs `work` on the ranks that MPI started, and ends with them: what one throws in the middle
/// ends the run on all, after one line that names it. An InputError of agree() is said by rank 0
/// alone. `patience` are the seconds after which a rank without a sign of life is lost.
/// `survives`: rank 0 goes on without ranks that are lost (MpiSettings); else throws RefusedByAll
/// where the launcher lets ranks live that wait for one that died.
ExitCode with_mpi_ranks(double patience, const std::function<ExitCode(Communicator&)>& work,
                        bool survives = false);

/// Ends the run on all ranks with this code, which it says unless the launcher passes it on.
/// Returns the code.
ExitCode end_all(Transport& ranks, ExitCode code);

/// Says a code that the launcher does not return: Open MPI's with --enable-recovery returns 0,
/// whatever the ranks do. Nothing for ExitCode::fine. To be called once, by the rank that has said
/// why.
void say_unless_passed_on(ExitCode code);

/// How many ranks MPI started, and which of them this process is, by the environment of its
/// launcher; 1 and 0 without.
int started_ranks();
int started_rank();

/// Throws RefusedByAll where MPI started several ranks and `what` would be done by each of them.
void refuse_ranks(const std::string& what);

}  // namespace vidattn
