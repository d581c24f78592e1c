#include "harness/distributed/ranks/mpi_transport.h"

#include "attention/error.h"
#include "harness/host/programs/plugin.h"

namespace vidattn {

#ifdef VIDATTN_MPI_PLUGIN
bool mpi_available() { return true; }

std::unique_ptr<Transport> mpi_transport(const MpiSettings& settings) {
  static const Plugin plugin(VIDATTN_MPI_PLUGIN, "--distributed: MPI");
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
