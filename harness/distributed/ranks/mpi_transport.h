#pragma once

#include <memory>
#include <string>

#include "harness/distributed/ranks/transport.h"

namespace vidattn {

struct MpiSettings {
  double patience = 10;  ///< seconds after which a rank that gives no sign of life is lost
  int lost_code = 3;     ///< exit code of the run then
  /// Rank 0 hears from all others, and goes on without one that is lost (Transport::lost()); the
  /// launcher must let it (Open MPI's --enable-recovery, MPICH's -disable-auto-cleanup). Else every
  /// rank hears from the one before, and all end.
  bool survives = false;
  void (*say)(const std::string& line) = nullptr;
};

/// Whether this build has MPI.
bool mpi_available();

/// The ranks that mpirun (or srun) started, this process among them; a process that was started
/// alone is the only rank. To be made once. Its destructor waits for the other ranks. Throws
/// InputError where this build has no MPI or it cannot be loaded.
std::unique_ptr<Transport> mpi_transport(const MpiSettings& settings);

}  // namespace vidattn
