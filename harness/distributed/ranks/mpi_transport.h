#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "harness/distributed/ranks/transport.h"

namespace vidattn {

struct MpiSettings {
  int rank = 0;          ///< this one's, by its launcher: of lines before MPI has started
  double patience = 10;  ///< seconds after which a rank that gives no sign of life is lost
  int lost_code = 3;     ///< exit code of the run then
  /// Rank 0 hears from all others, and goes on without one that is lost (Transport::lost()); the
  /// launcher must let it (Open MPI's --enable-recovery, MPICH's -disable-auto-cleanup). Else every
  /// rank hears from the one before, and all end.
  bool survives = false;
  /// Of ranks that are waited for; `last`: the process ends with lost_code then.
  void (*say)(const std::string& line, bool last) = nullptr;
};

/// Whether this build has MPI.
bool mpi_available();

/// Throws InputError, which names the rank, where the process cannot have so many more addresses:
/// without them MPI, whose threads reserve some 70 MiB each, ends processes while it starts or
/// tries for ever.
void require_addresses_for_mpi(int rank, size_t bytes = size_t{256} << 20);

/// The ranks that mpirun (or srun) started, this process among them; a process that was started
/// alone is the only rank. To be made once. Its destructor waits for the other ranks. Throws
/// InputError where this build has no MPI, it cannot be loaded or has no addresses to start.
std::unique_ptr<Transport> mpi_transport(const MpiSettings& settings);

}  // namespace vidattn
