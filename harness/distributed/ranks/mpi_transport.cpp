#include "harness/distributed/ranks/mpi_transport.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "attention/error.h"
#include "harness/host/programs/plugin.h"

namespace vidattn {

void require_addresses_for_mpi(int rank, size_t bytes) {
  void* const some =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (some == MAP_FAILED)
    throw InputError(fmt::format(
        "rank {}: MPI needs {} MiB of addresses to start, more than its limit (ulimit -v) leaves",
        rank, bytes >> 20));
  munmap(some, bytes);
}

#ifdef VIDATTN_MPI_PLUGIN
bool mpi_available() { return true; }

std::unique_ptr<Transport> mpi_transport(const MpiSettings& settings) {
  static const Plugin plugin(VIDATTN_MPI_PLUGIN, "--distributed: MPI");
  require_addresses_for_mpi(settings.rank);
  using Make = Transport* (*)(const MpiSettings&);
  return std::unique_ptr<Transport>(
      reinterpret_cast<Make>(plugin.function("vidattn_mpi_transport"))(settings));
}
#else
bool mpi_available() { return false; }

std::unique_ptr<Transport> mpi_transport(const MpiSettings&) {
  throw InputError(
      "--distributed: this build has no MPI; install libopenmpi-dev (or libmpich-dev) and build "
      "again");
}
#endif

}  // namespace vidattn
